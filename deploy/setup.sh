# What deploy/run.sh and tests/run.sh have in common; meant to be sourced.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
civetweb=$root/build/civetweb

# require_packages FILE...: installs the packages that the files name and this
# machine lacks. Without root it says what to run instead, and stops.
require_packages() {
  local wanted missing
  mapfile -t wanted < <(sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$@")
  mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -nE 's/^.i +//p' | sort -u))
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $EUID -ne 0 ]]; then
    echo "Packages are missing. Run this as root, then try again:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "installing: ${missing[*]}" >&2
  # One source of the machine that cannot be had is no reason to stop.
  apt-get update -q >&2 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >&2
}

# source_lists APT DIR: writes the apt sources of APT (/etc/apt) into DIR as
# sources of source packages, whichever of apt's two forms they have.
source_lists() {
  local file
  for file in "$1/sources.list" "$1"/sources.list.d/*; do
    [[ -f $file ]] || continue
    case $file in
      *.list) sed -nE 's/^[[:space:]]*deb([[:space:]])/deb-src\1/p' "$file" >"$2/$(basename "$file")" ;;
      *.sources) sed -E 's/^Types:.*/Types: deb-src/I' "$file" >"$2/$(basename "$file")" ;;
    esac
  done
}

# fetch_civetweb: unpacks the source of Debian's civetweb into $civetweb, with
# our patch. The machine's own apt lists are left alone, so no root is needed.
fetch_civetweb() {
  cmp -s "$root/deploy/civetweb.patch" "$civetweb/applied.patch" && return 0
  local work options
  mkdir -p "$root/build"
  work=$(mktemp -d "$root/build/civetweb.XXXXXX")
  mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,unpack}
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  source_lists /etc/apt "$work/sources"
  options=(-q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2 || true
  if ! (cd "$work/unpack" && apt-get "${options[@]}" --only-source source civetweb >&2); then
    echo "apt-get source civetweb: none of this machine's apt sources has it" >&2
    exit 1
  fi
  patch -d "$work"/unpack/civetweb-*/ -p1 <"$root/deploy/civetweb.patch" >&2
  rm -rf "$civetweb"
  mv "$work"/unpack/civetweb-*/ "$civetweb"
  cp "$root/deploy/civetweb.patch" "$civetweb/applied.patch"
  rm -rf "$work"
}

# build DIR [CMAKE-OPTION...]: builds into DIR; a second time only what changed.
build() {
  local dir=$1
  shift
  if [[ ! -e $dir/build.ninja ]]; then
    cmake -S "$root" -B "$dir" -G Ninja -DCIVETWEB_SOURCE_DIR="$civetweb" "$@" >&2
  fi
  cmake --build "$dir" >&2
}
