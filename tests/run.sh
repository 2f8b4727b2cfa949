#!/usr/bin/env bash
# Installs what the tests lack, builds the program as deploy/run.sh does and the
# tests with ASan and UBSan, and runs them all. Arguments go to ctest:
#   tests/run.sh -R ports_test
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

require_packages "$root"/deploy/{packages,stack_packages} "$root/tests/packages"
fetch_civetweb
build "$root/build/release"
# Clang for the tests, GCC for the program: both must be free of warnings.
build "$root/build/tests" -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON \
  -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DSANITIZE=address,undefined \
  -DPROGRAM="$root/build/release/mailcow_host_exporter"
# Without root, the tests that boot it are skipped.
[[ $EUID -ne 0 ]] || "$root/tests/debian_root.sh" "$root/build/debian"

# Most of them wait for something most of the time.
exec ctest --test-dir "$root/build/tests" --output-on-failure --parallel 3 "$@"
