#!/usr/bin/env bash
# Measures what the program costs beside Debian's node_exporter and collectd,
# and prints the tables of README. Not part of the tests. It takes some twelve
# minutes, in which the machine should have nothing else to do:
#   tests/bench/run.sh              the medians of three rounds
#   tests/bench/run.sh --rounds 5   of five
#   tests/bench/run.sh --quick      one short round
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/setup.sh"

bench=$root/tests/bench
tools=$root/build/bench

require_packages "$root/deploy/packages"
# In a subshell, which may end: a peer that cannot be had is left out.
(require_packages "$bench/packages") || echo "going on without what is missing" >&2
fetch_civetweb
build "$root/build/release"

mkdir -p "$tools"
compile() {
  # shellcheck disable=SC2046
  g++ -std=c++20 -O2 -Wall -Wextra -Werror -I "$root" "$@" \
    $(pkg-config --cflags --libs absl_status absl_statusor absl_strings)
}
compile -o "$tools/load" "$bench/load.cc" "$bench/scrape.cc"
compile -o "$tools/crowd" "$bench/crowd.cc"

PROGRAM=$root/build/release/mailcow_host_exporter TOOLS=$tools \
  exec python3 -B "$bench/bench.py" "$@"
