#!/usr/bin/env bash
# Builds the exporter and runs it with Prometheus, Alertmanager and, where it is
# installed (or GRAFANA_HOME says where), Grafana: on loopback alone, configured by the files of this
# repository. Ctrl-C, SIGTERM and SIGHUP end them all; the exit status is 0 then,
# and 1 where one of them ends by itself or cannot be started.
#   deploy/stack.sh        data and logs in build/stack
#   deploy/stack.sh DIR    data and logs in DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
PATH=$PATH:/usr/sbin:/sbin

if [[ $# -gt 1 || ${1:-} == -* ]]; then
  echo "usage: deploy/stack.sh [DIR]" >&2
  exit 2
fi
data=${1:-$root/build/stack}

declare -A port=([exporter]=9025 [prometheus]=9090 [alertmanager]=9093 [grafana]=3000)
declare -A ready=([exporter]=-/healthy [prometheus]=-/ready [alertmanager]=-/ready [grafana]=api/health)
declare -A shows=(
  [exporter]="whether this host is ready, and what to do"
  [prometheus]="measurements, rules and alerts"
  [alertmanager]="alerts that are sent; Debian's has no pages: amtool --alertmanager.url=http://127.0.0.1:9093 alert"
  [grafana]="dashboards")
declare -A pid=()
names=(exporter prometheus alertmanager)

# install_packages: installs what is missing, but not the services that Debian's
# packages would start, on every address, now and at every boot.
install_packages() {
  local packages=("$root/deploy/packages" "$root/deploy/stack_packages") unit units=()
  if [[ $EUID -eq 0 && -d /run/systemd/system ]]; then
    for unit in prometheus.service prometheus-alertmanager.service; do
      systemctl cat "$unit" >/dev/null 2>&1 || units+=("$unit")
    done
  fi
  if [[ ${#units[@]} -eq 0 ]]; then
    require_packages "${packages[@]}"
    return
  fi
  (
    trap 'systemctl unmask --quiet --runtime "${units[@]}"' EXIT
    systemctl mask --quiet --runtime "${units[@]}"
    require_packages "${packages[@]}"
  )
  systemctl disable --quiet "${units[@]}"
}

# require_port NAME: stops where something listens at its port already, and says
# what as far as ss knows: the systemd unit always, the process to its owner.
require_port() {
  local holder unit process
  holder=$(ss -Htlnp --cgroup "sport = :${port[$1]}" |
    grep -m 1 -E ' (127\.0\.0\.1|0\.0\.0\.0|\*|\[::ffff:127\.0\.0\.1\])(%lo)?:[0-9]') || return 0
  process=$(sed -nE 's/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1 (process \2)/p' <<<"$holder")
  unit=$(sed -nE 's|.*cgroup:.*/([^/ ]+\.service).*|\1|p' <<<"$holder")
  process=${process:-a process of another user}${unit:+ of $unit}
  echo "127.0.0.1:${port[$1]}, where $1 is to listen, is taken by $process." >&2
  [[ -z $unit ]] || echo "To free it, as root: systemctl disable --now $unit" >&2
  exit 1
}

# start NAME COMMAND...: in a session of its own, which Ctrl-C does not reach; it
# ends with this script even where that is killed.
start() {
  local name=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" </dev/null >"$data/$name.log" 2>&1 &
  pid[$name]=$!
}

# stop STATUS: ends what was started, waits for it and exits. A second signal
# meanwhile does not wait any longer.
stop() {
  # shellcheck disable=SC2046
  trap 'kill -KILL $(jobs -p) 2>/dev/null || true' INT TERM HUP
  trap - EXIT
  # shellcheck disable=SC2046
  kill -TERM $(jobs -p) 2>/dev/null || true
  until wait; do :; done
  exit "$1"
}

# require_running: where one has ended, says so and ends the others.
require_running() {
  local name
  for name in "${names[@]}"; do
    kill -0 "${pid[$name]}" 2>/dev/null || fail "$name" "has ended by itself"
  done
}

fail() {
  echo "$1 $2; the last lines of $data/$1.log:" >&2
  tail -n 10 "$data/$1.log" | sed 's/^/  /' >&2
  stop 1
}

install_packages
# What a package puts on PATH is a script that stays between us and Grafana, and
# reads the configuration of this machine. 9.4 and newer have the first name.
home=${GRAFANA_HOME:-/usr/share/grafana}
grafana=()
if [[ -x $home/bin/grafana ]]; then
  grafana=("$home/bin/grafana" server)
elif [[ -x $home/bin/grafana-server ]]; then
  grafana=("$home/bin/grafana-server")
fi
[[ ${#grafana[@]} -eq 0 ]] || names+=(grafana)
for name in "${names[@]}"; do require_port "$name"; done
fetch_civetweb
build "$root/build/release"
mkdir -p "$data"/{prometheus,alertmanager,grafana/plugins}
data=$(cd "$data" && pwd)

trap 'stop 0' INT TERM HUP
trap 'stop 1' EXIT
start exporter "$root/build/release/mailcow_host_exporter" "--web.listen-address=127.0.0.1:${port[exporter]}"
start prometheus prometheus "--config.file=$root/deploy/prometheus/prometheus.yml" \
  "--storage.tsdb.path=$data/prometheus" "--web.listen-address=127.0.0.1:${port[prometheus]}" \
  "--web.external-url=http://127.0.0.1:${port[prometheus]}/" --rules.alert.for-grace-period=1m
start alertmanager prometheus-alertmanager "--config.file=$root/deploy/alertmanager/alertmanager.yml" \
  "--storage.path=$data/alertmanager" "--web.listen-address=127.0.0.1:${port[alertmanager]}" \
  "--web.external-url=http://127.0.0.1:${port[alertmanager]}/" --cluster.listen-address=
if [[ ${#grafana[@]} -gt 0 ]]; then
  mapfile -t settings < <(grep '^GF_' "$root/deploy/grafana.env")
  start grafana env "${settings[@]}" "MAILCOW_HOST_DASHBOARDS=$root/grafana/dashboards" \
    "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=$root/grafana/dashboards/mailcow-host.json" \
    "GF_PATHS_PROVISIONING=$root/grafana/provisioning" "GF_PATHS_DATA=$data/grafana" \
    "GF_PATHS_LOGS=$data/grafana" "GF_PATHS_PLUGINS=$data/grafana/plugins" \
    "${grafana[@]}" "--homepath=$home" --config=/dev/null
fi

deadline=$((SECONDS + 120))
for name in "${names[@]}"; do
  until curl --disable -sf --noproxy '*' -m 5 -o /dev/null "http://127.0.0.1:${port[$name]}/${ready[$name]}"; do
    require_running
    [[ $SECONDS -lt $deadline ]] || fail "$name" "does not answer"
    sleep 0.2
  done
done
require_running
for name in "${names[@]}"; do
  printf '%-13s http://127.0.0.1:%s/  %s\n' "$name" "${port[$name]}" "${shows[$name]}"
done
echo "Data and logs are in $data. Ctrl-C ends them all."
while sleep 1; do require_running; done
