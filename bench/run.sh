#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
bench/run.sh [options]: carafe beside what people would use instead. Installs packages (Debian 12; as root or with sudo), builds, measures
all peers interleaved, and writes the section *Peers* of bench/RESULTS.md and the charts in bench/charts. About 20 minutes on two idle cores.

  --rounds N     rounds (default 5; fewer say little)
  --peers A,B    only these (carafe is always there): carafe_huge floor floor_huge striped_map tbb boost_flat_map interprocess_map_1
                 interprocess_map_64 interprocess_hash_1 interprocess_hash_64 lmdb sqlite memcached redis apcu nginx uwsgi
  --short        does it all still work, and is every value right? 20,000 items, one round, under a minute; writes nothing into bench/
  --no-install   installs nothing: peers that lack something are absent then
  --print        prints the section only; bench/RESULTS.md and the charts stay as they are

CARAFE_BENCH_ITEMS (default 1,000,000) sets the number of items. Nothing listens on a port, and no service is installed: memcached and nginx
are unpacked beneath build/peers instead.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place=$root/build/peers
peers=all
install=yes
write=yes
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) arguments+=(--rounds "${2:?--rounds N}"); shift ;;
    --peers) peers=${2:?--peers A,B}; arguments+=(--peers "$peers"); shift ;;
    --short) arguments+=(--short); write=no ;;
    --no-install) install=no ;;
    --print) write=no ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

# Packages of a peer: those to install, and after a colon those only to unpack.
packages_of() {
  case $1 in
    tbb) echo libtbb-dev ;;
    lmdb) echo liblmdb-dev ;;
    sqlite) echo libsqlite3-dev ;;
    memcached) echo libmemcached-dev libevent-2.1-7 libsasl2-2 : memcached ;;
    redis) echo libhiredis-dev redis-tools ;;
    apcu) echo php-cli php-apcu ;;
    nginx)
      echo libluajit2-5.1-2 libpcre3 libpcre2-8-0 libssl3 zlib1g
      echo : nginx libnginx-mod-http-lua libnginx-mod-http-ndk lua-resty-core lua-resty-lrucache
      ;;
    uwsgi) echo uwsgi-core uwsgi-plugin-python3 ;;
  esac
}

missing_of() {  # packages
  local package state
  for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || echo "$package"
  done
}

install_packages() {
  local wanted=() unpack=() names=() name package after
  if [ "$peers" = all ]; then names=(tbb lmdb sqlite memcached redis apcu nginx uwsgi); else IFS=, read -ra names <<<"$peers"; fi
  [ "$write" = no ] || wanted+=(python3-matplotlib)
  for name in "${names[@]}"; do
    after=no
    for package in $(packages_of "$name"); do
      if [ "$package" = : ]; then after=yes
      elif [ $after = no ]; then wanted+=("$package")
      elif [ ! -e "$place/packages/$package" ]; then unpack+=("$package")
      fi
    done
  done
  mapfile -t wanted < <(missing_of "${wanted[@]}")
  [ ${#wanted[@]} -gt 0 ] || [ ${#unpack[@]} -gt 0 ] || return 0
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null; }
  apt update
  if [ ${#wanted[@]} -gt 0 ]; then
    echo "bench/run.sh: installing ${wanted[*]}" >&2
    apt install -y --no-install-recommends "${wanted[@]}" >/dev/null
  fi
  mkdir -p "$place/packages" "$place/unpacked"
  for package in "${unpack[@]}"; do
    echo "bench/run.sh: unpacking $package" >&2
    rm -f "$place/packages/$package"_*.deb
    (cd "$place/packages" && apt-get -qq download "$package" 2>/dev/null && dpkg -x "$package"_*.deb "$place/unpacked" && touch "$package")
    rm -f "$place/packages/$package"_*.deb
  done
}

if [ $install = yes ]; then
  "$root/.ci/install-deps" --runtime
  install_packages
fi
mkdir -p "$place"
cmake -S "$root" -B "$place/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCARAFE_BUILD_PEERS=ON -DCARAFE_BUILD_TOOLS=OFF \
  -DBUILD_TESTING=OFF >"$place/build.log"
cmake --build "$place/build" --target bench_peers >>"$place/build.log" || { tail -n 30 "$place/build.log" >&2; exit 1; }

[ $write = no ] || arguments+=(--results-md "$root/bench/RESULTS.md")
exec /usr/bin/python3 "$root/bench/peers/run.py" --program "$place/build/bench/peers/bench_peers" --unpacked "$place/unpacked" \
  --results "$place/results" "${arguments[@]}"
