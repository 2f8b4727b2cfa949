#!/usr/bin/env bash
# Makes the root of a Debian 12 with systemd in DIR, and puts the packages of
# mail services and time daemons into its cache, so that the tests install them
# without network. A second time it has nothing to do. Needs root and debootstrap.
#   tests/debian_root.sh DIR
set -euo pipefail

dir=$1
# As they conflict with each other, each is a set of its own.
services=(exim4-daemon-light postfix dovecot-core chrony ntpsec systemd-timesyncd)

# Tests run side by side: one of them makes it, the others wait.
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9

# What is made by another version of this script is made anew.
made_by=$(cksum <"${BASH_SOURCE[0]}")
[[ $(cat "$dir.ready" 2>/dev/null) != "$made_by" ]] || exit 0

# The mirror and the proxy that this machine's apt uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
  'Origin: Debian' 'Codename: bookworm' | head -n 1)
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
[[ -z ${http_proxy:-} ]] || export http_proxy

echo "making a Debian in $dir (once)" >&2
rm -rf --one-file-system "$dir" "$dir.ready"
if ! debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus \
  bookworm "$dir" "${mirror:-http://deb.debian.org/debian}" >"$dir.log" 2>&1; then
  tail -n 5 "$dir.log" >&2
  exit 1
fi
chroot "$dir" apt-get clean
for service in "${services[@]}"; do
  chroot "$dir" apt-get install -qy --no-install-recommends --download-only \
    "$service" >>"$dir.log"
done
echo "$made_by" >"$dir.ready"
