# SPDX-License-Identifier: MIT
"""What is compared: peers, workloads, sizes, and how they are called in tables."""
import dataclasses

OWN = "carafe"


@dataclasses.dataclass(frozen=True)
class Peer:
    label: str
    kind: str
    library: str = ""


IN_PROCESS = "in one process"
SHARED = "in shared memory"
DAEMON = "a daemon, unix socket"
HOSTED = "from within its host"
LEAST = "the floor"

PEERS = {
    OWN: Peer("carafe", SHARED),
    "carafe_huge": Peer("carafe on huge pages (`Pages::kHuge`)", SHARED),
    "floor": Peer("the least there can be (`floor.h`)", LEAST),
    "floor_huge": Peer("the same on huge pages, in one process", LEAST),
    "striped_map": Peer("64 `std::unordered_map`, 64 mutexes", IN_PROCESS),
    "tbb": Peer("oneTBB `concurrent_hash_map`", IN_PROCESS, "libtbb-dev"),
    "boost_flat_map": Peer("`boost::concurrent_flat_map`", IN_PROCESS),
    "interprocess_map_1": Peer("Boost.Interprocess `map`, one mutex", SHARED),
    "interprocess_map_64": Peer("Boost.Interprocess, 64 `map`, 64 mutexes", SHARED),
    "interprocess_hash_1": Peer("Boost.Interprocess `unordered_map`, one mutex", SHARED),
    "interprocess_hash_64": Peer("Boost.Interprocess, 64 `unordered_map`, 64 mutexes", SHARED),
    "lmdb": Peer("LMDB, no sync, in /dev/shm", SHARED, "liblmdb-dev"),
    "sqlite": Peer("SQLite, WAL, in /dev/shm", SHARED, "libsqlite3-dev"),
    "memcached": Peer("memcached", DAEMON, "libmemcached-dev"),
    "redis": Peer("Redis", DAEMON, "libhiredis-dev"),
    "apcu": Peer("APCu, PHP", HOSTED),
    "nginx": Peer("nginx `ngx.shared`, Lua", HOSTED),
    "uwsgi": Peer("uWSGI `cache2`, Python", HOSTED),
}

WORKLOADS = {
    "get_uniform": "get, uniform",
    "get_zipf": "get, Zipf 0.99",
    "get_one_key": "get, one key",
    "get_miss": "miss",
    "get_32": "get, 32 together",
    "get_100": "get, 100 together",
    "set_replace": "set, replace",
    "mix_95_5": "95:5, Zipf",
    "mix_50_50": "50:50, Zipf",
}

SWEEP_BYTES = [16, 128, 1 << 10, 8 << 10, 64 << 10, 1 << 20]
SWEEP_PEERS = [OWN, "floor", "striped_map", "lmdb", "memcached", "redis"]


def size_name(value_bytes):
    for unit, letter in ((1 << 20, "M"), (1 << 10, "K")):
        if value_bytes >= unit:
            return f"{value_bytes // unit} {letter}iB"
    return f"{value_bytes} B"
