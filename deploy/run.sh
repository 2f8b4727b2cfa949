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

# Without another word the program serves, and says first what it will serve.
serves=yes
flags=()
for argument in "$@"; do
  case $argument in
    serve) ;;
    check | list | --help | -h | --version) serves= ;;
    *) flags+=("$argument") ;;
  esac
done
if [[ -n $serves ]]; then
  status=0
  "$program" check "${flags[@]}" || status=$?
  [[ $status -ne 2 ]] || exit 2
fi
exec "$program" "$@"
