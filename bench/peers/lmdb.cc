// SPDX-License-Identifier: MIT
#include <lmdb.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

void must(int result, const char* what) {
  if (result == MDB_SUCCESS) return;
  std::fprintf(stderr, "lmdb: %s: %s\n", what, mdb_strerror(result));
  std::exit(1);
}
MDB_val as_value(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

/// LMDB without syncs, written through the map; `place` is a folder in /dev/shm. Each process has one reading transaction, renewed for every
/// get (or batch), which is the cheapest that sees what others wrote.
struct LmdbPeer {
  static constexpr const char* kName = "lmdb";
  static constexpr CrewKind kCrew = CrewKind::kProcesses;

  explicit LmdbPeer(const PeerSettings& settings)
      : place(settings.place), map_bytes((std::size_t{64} << 20) + settings.items * (4 * settings.value_bytes + 512)) {}

  void open() {
    must(mdb_env_create(&env), "mdb_env_create");
    must(mdb_env_set_mapsize(env, map_bytes), "mdb_env_set_mapsize");
    must(mdb_env_open(env, place.c_str(), MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_NORDAHEAD, 0600), "mdb_env_open");
    MDB_txn* write = nullptr;
    must(mdb_txn_begin(env, nullptr, 0, &write), "mdb_txn_begin");
    must(mdb_dbi_open(write, nullptr, 0, &table), "mdb_dbi_open");
    must(mdb_txn_commit(write), "mdb_txn_commit");
    must(mdb_txn_begin(env, nullptr, MDB_RDONLY, &read), "mdb_txn_begin");
    mdb_txn_reset(read);
  }
  void close() {
    mdb_txn_abort(read);
    mdb_env_close(env);
  }

  void begin_fill() { must(mdb_txn_begin(env, nullptr, 0, &filling), "mdb_txn_begin"); }
  void end_fill() {
    must(mdb_txn_commit(filling), "mdb_txn_commit");
    filling = nullptr;
  }

  bool get(std::string_view key, std::string& reused) {
    if (mdb_txn_renew(read) != MDB_SUCCESS) return false;
    MDB_val wanted = as_value(key);
    MDB_val found{};
    const bool hit = mdb_get(read, table, &wanted, &found) == MDB_SUCCESS;
    if (hit) reused.assign(static_cast<const char*>(found.mv_data), found.mv_size);
    mdb_txn_reset(read);
    return hit;
  }
  bool set(std::string_view key, std::string_view value) {
    MDB_val name = as_value(key);
    MDB_val stored = as_value(value);
    if (filling != nullptr) return mdb_put(filling, table, &name, &stored, 0) == MDB_SUCCESS;
    MDB_txn* write = nullptr;
    if (mdb_txn_begin(env, nullptr, 0, &write) != MDB_SUCCESS) return false;
    if (mdb_put(write, table, &name, &stored, 0) == MDB_SUCCESS) return mdb_txn_commit(write) == MDB_SUCCESS;
    mdb_txn_abort(write);
    return false;
  }

  template <typename Each>
  void get_batch(Keys keys, Each&& each) {
    if (mdb_txn_renew(read) != MDB_SUCCESS) return;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      MDB_val wanted = as_value(keys[i]);
      MDB_val found{};
      if (mdb_get(read, table, &wanted, &found) != MDB_SUCCESS) continue;
      copy.assign(static_cast<const char*>(found.mv_data), found.mv_size);
      each(i, std::string_view(copy));
    }
    mdb_txn_reset(read);
  }

  std::string place;
  std::size_t map_bytes;
  MDB_env* env = nullptr;
  MDB_dbi table = 0;
  MDB_txn* read = nullptr;
  MDB_txn* filling = nullptr;
  std::string copy;
};

const Registered<LmdbPeer> registered;

}  // namespace
}  // namespace carafe::bench
