// SPDX-License-Identifier: MIT
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

/// SQLite as a key-value store that processes share: a table without row ids, a write-ahead log, no syncs, pages read through a map;
/// `place` is a folder in /dev/shm. Statements are prepared once a process.
struct SqlitePeer {
  static constexpr const char* kName = "sqlite";
  static constexpr CrewKind kCrew = CrewKind::kProcesses;

  explicit SqlitePeer(const PeerSettings& settings) : file(settings.place + "/peer.db") {}

  void open() {
    must(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr), "open");
    sqlite3_busy_timeout(db, 10'000);
    for (const char* text :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", "PRAGMA mmap_size=17179869184", "PRAGMA temp_store=MEMORY",
          "CREATE TABLE IF NOT EXISTS items (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"}) {
      run(text);
    }
    must(sqlite3_prepare_v3(db, "SELECT value FROM items WHERE key=?", -1, SQLITE_PREPARE_PERSISTENT, &select, nullptr), "prepare");
    must(sqlite3_prepare_v3(db, "INSERT OR REPLACE INTO items VALUES (?,?)", -1, SQLITE_PREPARE_PERSISTENT, &replace, nullptr), "prepare");
    must(sqlite3_prepare_v3(db, "BEGIN", -1, SQLITE_PREPARE_PERSISTENT, &begin, nullptr), "prepare");
    must(sqlite3_prepare_v3(db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &commit, nullptr), "prepare");
  }
  void close() {
    for (sqlite3_stmt* statement : {select, replace, begin, commit}) sqlite3_finalize(statement);
    must(sqlite3_close(db), "close");
  }

  void begin_fill() { step(begin); }
  void end_fill() {
    step(commit);
    run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  bool get(std::string_view key, std::string& reused) {
    return look_up(key, [&](std::string_view value) { reused.assign(value); });
  }
  bool set(std::string_view key, std::string_view value) {
    bind(replace, 1, key);
    bind(replace, 2, value);
    return step(replace) == SQLITE_DONE;
  }

  template <typename Each>
  void get_batch(Keys keys, Each&& each) {
    step(begin);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      look_up(keys[i], [&](std::string_view value) {
        copy.assign(value);
        each(i, std::string_view(copy));
      });
    }
    step(commit);
  }

 private:
  void must(int result, const char* what) {
    if (result == SQLITE_OK) return;
    std::fprintf(stderr, "sqlite: %s: %s\n", what, sqlite3_errmsg(db));
    std::exit(1);
  }
  void run(const char* text) { must(sqlite3_exec(db, text, nullptr, nullptr, nullptr), text); }

  static void bind(sqlite3_stmt* statement, int position, std::string_view bytes) {
    sqlite3_bind_blob(statement, position, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
  }
  static int step(sqlite3_stmt* statement) {
    const int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result;
  }

  template <typename Take>
  bool look_up(std::string_view key, Take&& take) {
    bind(select, 1, key);
    const bool hit = sqlite3_step(select) == SQLITE_ROW;
    if (hit) {
      take(std::string_view(static_cast<const char*>(sqlite3_column_blob(select, 0)),
                            static_cast<std::size_t>(sqlite3_column_bytes(select, 0))));
    }
    sqlite3_reset(select);
    return hit;
  }

  std::string file;
  sqlite3* db = nullptr;
  sqlite3_stmt* select = nullptr;
  sqlite3_stmt* replace = nullptr;
  sqlite3_stmt* begin = nullptr;
  sqlite3_stmt* commit = nullptr;
  std::string copy;
};

const Registered<SqlitePeer> registered;

}  // namespace
}  // namespace carafe::bench
