#!/usr/bin/env bash
# Installs what is missing, builds, prints the readiness table and serves
# http://127.0.0.1:9025/metrics. Arguments go to the program:
#   deploy/run.sh                                  check, then serve
#   deploy/run.sh --web.listen-address=[::1]:9025  the same with flags
#   deploy/run.sh check                            only that
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

require_packages "$root/deploy/packages"
fetch_civetweb
build "$root/build/release"
program=$root/build/release/mailcow_host_exporter

# Without a word the program serves.
case ${1:-} in
  check | list | --help | -h | --version) ;;
  serve) shift ;;&
  *) set -- serve "$@" ;;
esac
if [[ $1 == serve ]]; then
  status=0
  "$program" check "${@:2}" || status=$?
  [[ $status -ne 2 ]] || exit 2
fi
exec "$program" "$@"
