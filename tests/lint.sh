#!/usr/bin/env bash
# lint.sh format: is every source formatted?
# lint.sh tidy BUILD: does clang-tidy find nothing in the program's sources?
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case $1 in
  format)
    find collectors exporter tests -name '*.cc' -o -name '*.h' | xargs clang-format --dry-run --Werror
    ;;
  tidy)
    # It takes minutes, and lets those go first that have a deadline.
    find collectors exporter -name '*.cc' | nice -n 19 xargs -P 2 -n 4 clang-tidy --quiet -p "$2"
    ;;
esac
