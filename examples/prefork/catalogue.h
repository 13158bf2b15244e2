// SPDX-License-Identifier: MIT
#pragma once

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace shop {

/// One connection to the products that make_products.sh made.
///
/// Who may call:  the thread that made it, and not across a fork: SQLite forbids it. Workers open their own.
/// Cost:          a product's page is about a millisecond: joins over six tables, and the best of some 250 products beside this one. A room's
///                is some 50: it looks at 10,000 products and what was said of each.
class Catalogue {
 public:
  explicit Catalogue(const std::string& file) {
    sqlite3* connection = nullptr;
    const int opened = sqlite3_open_v2(file.c_str(), &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    connection_.reset(connection);  // also after a failure: SQLite hands out a connection that says what was wrong
    require(opened);
    require(sqlite3_exec(connection, "PRAGMA mmap_size = 268435456", nullptr, nullptr, nullptr));  // without the cache it should fly, too
    product_ = prepared(kProduct);
    room_ = prepared(kRoom);
  }

  /// The JSON page of a product, or nothing when there is none. Throws when the database fails, as does room.
  std::optional<std::string> product(long id) {
    require(sqlite3_bind_int64(product_.get(), 1, id));
    return answer(product_.get());
  }

  /// The JSON page of a room and the best that is for it.
  std::optional<std::string> room(const std::string& name) {
    require(sqlite3_bind_text(room_.get(), 1, name.c_str(), -1, SQLITE_TRANSIENT));
    return answer(room_.get());
  }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;

  Statement prepared(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    require(sqlite3_prepare_v2(connection_.get(), sql, -1, &statement, nullptr));
    return Statement(statement);
  }

  std::optional<std::string> answer(sqlite3_stmt* statement) {
    std::optional<std::string> page;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      page.emplace(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    }
    require(sqlite3_reset(statement));
    return page;
  }

  void require(int result) const {
    if (result != SQLITE_OK) throw std::runtime_error(std::string("catalogue: ") + sqlite3_errmsg(connection_.get()));
  }

  static constexpr const char* kProduct = R"sql(
    SELECT json_object(
      'id', p.id, 'sku', p.sku, 'name', p.name, 'about', p.about, 'room', c.room, 'shelf', c.shelf,
      'cents', (SELECT cents FROM price WHERE product_id = p.id ORDER BY since DESC LIMIT 1),
      'cents_lowest', (SELECT min(cents) FROM price WHERE product_id = p.id),
      'pieces', (SELECT sum(pieces) FROM stock WHERE product_id = p.id),
      'stock', (SELECT json_group_object(warehouse, pieces) FROM stock WHERE product_id = p.id),
      'reviews', (SELECT count(*) FROM review WHERE product_id = p.id),
      'stars', (SELECT round(avg(stars), 2) FROM review WHERE product_id = p.id),
      'latest', (SELECT json_group_array(json_object('stars', stars, 'author', author, 'text', text))
                 FROM (SELECT stars, author, text FROM review WHERE product_id = p.id ORDER BY n DESC LIMIT 3)),
      'best_of_shelf',
        (SELECT json_group_array(json_object('id', id, 'name', name, 'stars', stars, 'reviews', reviews))
         FROM (SELECT other.id, other.name, round(avg(r.stars), 2) AS stars, count(*) AS reviews
               FROM product other JOIN review r ON r.product_id = other.id
               WHERE other.category_id = p.category_id
               GROUP BY other.id HAVING count(*) >= 5
               ORDER BY avg(r.stars) DESC, reviews DESC LIMIT 5)))
    FROM product p JOIN category c ON c.id = p.category_id
    WHERE p.id = ?1)sql";

  static constexpr const char* kRoom = R"sql(
    SELECT json_object(
      'room', c.room, 'shelves', count(DISTINCT c.id), 'products', count(DISTINCT p.id), 'cents_from', min(price.cents),
      'best',
        (SELECT json_group_array(json_object('id', id, 'name', name, 'stars', stars, 'reviews', reviews))
         FROM (SELECT best.id, best.name, round(avg(r.stars), 2) AS stars, count(*) AS reviews
               FROM category shelf JOIN product best ON best.category_id = shelf.id JOIN review r ON r.product_id = best.id
               WHERE shelf.room = ?1
               GROUP BY best.id HAVING count(*) >= 5
               ORDER BY avg(r.stars) DESC, reviews DESC LIMIT 10)))
    FROM category c JOIN product p ON p.category_id = c.id JOIN price ON price.product_id = p.id
    WHERE c.room = ?1
    GROUP BY c.room)sql";

  std::unique_ptr<sqlite3, Close> connection_;
  Statement product_;
  Statement room_;
};

}  // namespace shop
