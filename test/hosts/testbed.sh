#!/usr/bin/env bash
# Several hosts on one machine: each with its own root filesystem, systemd as PID 1 and an address on a private bridge.
#
#   check                          exits 77 with a reason where hosts cannot be booted
#   up COUNT                       boots h1, h2, ... with 10.77.1.1, 10.77.1.2, ...
#   exec HOST COMMAND...           runs a command in the host, as root
#   push HOST FILE PATH            copies a file of this machine into the host, mode included
#   logs HOST [OPTION...]          the host's journal, also while it is down
#   stop HOST | kill HOST | start HOST     power off in order, at once, and on again
#   pause HOST | resume HOST       its processes stand still, with what they hold open, and go on
#   partition HOST [both|out|in]   drops what the host sends, what it is sent, or both; nobody is told
#   partition HOST OTHER           drops what these two send each other
#   heal                           every cable is whole again
#   down                           removes hosts and network; harmless when there are none
#
# TESTBED_WORK: folder of this testbed, on a real disk (not overlayfs). TESTBED_ROOT: what root.sh printed.
# All state is there: nothing is made in the machine's own network namespace, and two testbeds do not meet.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
: "${TESTBED_WORK:?}"
mkdir -p "$TESTBED_WORK"
work=$(readlink -f "$TESTBED_WORK")
hosts=$work/hosts network=$work/network
network_prefix=10.77.1
tag=mesh-testbed-$(printf %s "$work" | cksum | cut -d' ' -f1)
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cgroup=$cgroups/$tag

fail() { echo "testbed: $*" >&2; exit 1; }
host_exists() { [ -d "$hosts/$1" ] || fail "there is no host $1"; }
on_switch() { nsenter --net="$network/switch" "$@"; }
in_network_of() { local name=$1; shift; nsenter --net="$network/$name" "$@"; }
is_mounted() { grep -qF " $1 " /proc/mounts; }

# --- processes: a pid with its start time, so that a pid used again is never taken for ours ---

start_time() { # PID; nothing for a zombie, which a lazy PID 1 may keep for a while
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}
record() { echo "$1 $(start_time "$1")" > "$2"; }
recorded_pid() { local pid rest; read -r pid rest < "$1"; echo "$pid"; }
is_alive() {
  local pid started
  [ -s "$1" ] && read -r pid started < "$1" && [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}
wait_gone() { # HOST SECONDS
  local i
  for i in $(seq 1 $(($2 * 20))); do
    is_alive "$hosts/$1/systemd" || is_alive "$hosts/$1/launcher" || return 0
    sleep 0.05
  done
  return 1
}

# --- network: one bridge in a namespace of its own, one cable to each host ---

make_switch() {
  if [ -e "$network/switch" ]; then return; fi
  mkdir -p "$network" "$hosts"
  : > "$network/switch"
  unshare --net="$network/switch" true
  on_switch ip link set lo up
  on_switch ip link add bridge0 type bridge forward_delay 0
  on_switch ip link set bridge0 up
}

make_host() { # NAME ADDRESS
  local name=$1 folder=$hosts/$1
  mkdir -p "$folder/upper" "$folder/work" "$folder/root"
  : > "$network/$name"
  unshare --net="$network/$name" true
  on_switch ip link add "to-$name" type veth peer name eth0 netns "$network/$name"
  on_switch ip link set "to-$name" master bridge0 up
  in_network_of "$name" ip link set lo up
  in_network_of "$name" ip address add "$2/24" dev eth0
  in_network_of "$name" ip link set eth0 up
  mount -t overlay "$tag-$name" \
    -o "lowerdir=$TESTBED_ROOT,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
  echo "$name" > "$folder/root/etc/hostname"
  printf %s "$tag-$name" | md5sum | cut -c1-32 > "$folder/root/etc/machine-id"
  echo "$2 $name" > "$folder/address"
}

# --- faults of the network: filters on the switch's end of a cable, so that no host can see or undo them ---

# As tc understands a classic BPF program: 2 drops the frame, -1 leaves it alone.
drop_everything='1,6 0 0 2'
drop_to() { # ADDRESS: frames of IPv4 with this destination
  local a b c d
  IFS=. read -r a b c d <<< "$1"
  echo "6,40 0 0 12,21 0 3 2048,32 0 0 30,21 0 1 $(((a << 24) + (b << 16) + (c << 8) + d)),6 0 0 2,6 0 0 4294967295"
}
add_filter() { # HOST out|in PROGRAM; what a host sends comes in at the switch
  local hook=egress
  if [ "$2" = out ]; then hook=ingress; fi
  on_switch tc qdisc show dev "to-$1" | grep -q clsact || on_switch tc qdisc add dev "to-$1" clsact ||
    { echo "this kernel has no clsact queueing discipline"; exit 77; }
  on_switch tc filter add dev "to-$1" "$hook" bpf direct-action bytecode "$3" ||
    { echo "this kernel has no BPF traffic filter"; exit 77; }
}
address_of() { cut -d' ' -f1 "$hosts/$1/address"; }

partition() { # HOST [both|out|in|OTHER]
  host_exists "$1"
  case ${2:-both} in
    both) add_filter "$1" out "$drop_everything"; add_filter "$1" in "$drop_everything" ;;
    out | in) add_filter "$1" "$2" "$drop_everything" ;;
    *)
      host_exists "$2"
      add_filter "$1" out "$(drop_to "$(address_of "$2")")"
      add_filter "$2" out "$(drop_to "$(address_of "$1")")"
      ;;
  esac
}

heal() {
  local folder
  for folder in "$hosts"/*/; do on_switch tc qdisc del dev "to-$(basename "$folder")" clsact 2> /dev/null || :; done
}

# --- hosts ---

systemd_pid() {
  host_exists "$1"
  is_alive "$hosts/$1/systemd" || fail "host $1 is not running"
  recorded_pid "$hosts/$1/systemd"
}

exec_in() {
  local pid
  pid=$(systemd_pid "$1")
  shift
  nsenter -t "$pid" -m -u -i -n -p -C -r -w env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

start() {
  local name=$1 folder=$hosts/$1 i child
  host_exists "$name"
  if is_alive "$folder/systemd"; then fail "host $name runs already"; fi
  cable "$name" up
  cat <(echo '127.0.0.1 localhost') "$hosts"/*/address > "$folder/root/etc/hosts"
  mkdir -p "$cgroup/$name"
  # The launcher joins the host's control group first, so that the new cgroup namespace has its root there.
  # shellcheck disable=SC2016
  setsid bash -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' _ "$cgroup/$name" \
    nsenter --net="$network/$name" unshare -m -u -i -p -C --fork --kill-child=SIGKILL \
    "$here/boot.sh" "$folder/root" "$name" < /dev/null >> "$folder/console.log" 2>&1 &
  local launcher=$!
  record "$launcher" "$folder/launcher"
  for i in $(seq 1 250); do
    child=$(cat "/proc/$launcher/task/$launcher/children" 2>/dev/null || true)
    child=${child%% *}
    if [ -n "$child" ] && [ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ]; then
      record "$child" "$folder/systemd"
      return
    fi
    sleep 0.02
  done
  tail -5 "$folder/console.log" >&2
  fail "host $name did not start systemd"
}

wait_booted() {
  local i state=
  for i in $(seq 1 600); do
    state=$(exec_in "$1" systemctl is-system-running 2>/dev/null || true)
    case $state in running) return ;; degraded) break ;; esac
    sleep 0.05
  done
  exec_in "$1" systemctl --no-pager --failed >&2 || :
  fail "host $1 is ${state:-silent}, not running"
}

up() {
  local i names=()
  make_switch
  for i in $(seq 1 "${1:?count}"); do
    if [ ! -d "$hosts/h$i" ]; then make_host "h$i" "$network_prefix.$i"; fi
    names+=("h$i")
  done
  for i in "${names[@]}"; do is_alive "$hosts/$i/systemd" || start "$i"; done
  for i in "${names[@]}"; do wait_booted "$i"; done
}

# The kernel would go on to answer for a host that is off: its network namespace stays.
cable() { on_switch ip link set "to-$1" "$2"; } # HOST up|down

kill_host() {
  local pid
  pid=$(systemd_pid "$1")
  # First, or the sockets of its processes would take leave of their peers.
  cable "$1" down
  kill -9 "$pid"
  # Processes that stand still die only when they go on.
  echo 0 > "$cgroup/$1/cgroup.freeze"
  wait_gone "$1" 10 || fail "host $1 would not die"
}

freeze() { # HOST 1|0
  systemd_pid "$1" > /dev/null
  echo "$2" > "$cgroup/$1/cgroup.freeze"
}

stop() {
  host_exists "$1"
  if ! is_alive "$hosts/$1/systemd"; then return; fi
  exec_in "$1" systemctl poweroff > /dev/null 2>&1 || :
  wait_gone "$1" 60 || kill_host "$1"
  cable "$1" down
}

push() {
  # shellcheck disable=SC2016,SC2094
  exec_in "$1" sh -c 'cat > "$1.part" && chmod "$2" "$1.part" && mv "$1.part" "$1"' _ "$3" "$(stat -c %a "$2")" < "$2"
}

logs() {
  local name=$1
  host_exists "$name"
  shift
  if is_alive "$hosts/$name/systemd"; then exec_in "$name" journalctl --no-pager "$@"
  else chroot "$hosts/$name/root" journalctl --no-pager -D /var/log/journal "$@"; fi
}

remove_host() {
  local folder=$hosts/$1
  if is_alive "$folder/systemd"; then kill_host "$1"; fi
  if is_alive "$folder/launcher"; then kill -9 "$(recorded_pid "$folder/launcher")"; fi
  while is_mounted "$folder/root"; do umount "$folder/root" || { sleep 0.1; umount -l "$folder/root"; }; done
  if is_mounted "$network/$1"; then umount "$network/$1"; fi
}

down() {
  local folder i
  for folder in "$hosts"/*/; do
    if [ -d "$folder" ]; then remove_host "$(basename "$folder")"; fi
  done
  if is_mounted "$network/switch"; then umount "$network/switch"; fi
  rm -rf --one-file-system "$network" "$hosts"
  # A control group can be removed only some moments after its last process.
  for i in $(seq 1 20); do
    if [ ! -d "$cgroup" ]; then return; fi
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || :
    sleep 0.05
  done
}

check() {
  local probe=$work/probe
  unavailable() { echo "$*"; umount "$probe/root" 2>/dev/null || :; rm -rf "$probe"; exit 77; }
  [ "$(id -u)" = 0 ] || unavailable "needs root"
  [ -n "$cgroups" ] || unavailable "no cgroup2 file system is mounted"
  { mkdir "$cgroup-probe" && rmdir "$cgroup-probe"; } 2>/dev/null || unavailable "cgroup2 cannot be written"
  unshare -m -u -i -n -p -C --fork --kill-child sh -c \
    'mount -t proc proc /proc && ip link add bridge9 type bridge && ip link add veth9 type veth peer name veth8' \
    2>/dev/null || unavailable "namespaces, a bridge or a veth pair cannot be made"
  mkdir -p "$probe/upper" "$probe/work" "$probe/root"
  mount -t overlay probe -o "lowerdir=/usr,upperdir=$probe/upper,workdir=$probe/work" "$probe/root" 2>/dev/null ||
    unavailable "overlayfs does not work in $work"
  umount "$probe/root"
  rm -rf "$probe"
}

command=${1:-help}
shift || :
case $command in
  check | up | start | stop | push | logs | down | partition | heal) "$command" "$@" ;;
  exec) exec_in "$@" ;;
  kill) kill_host "$@" ;;
  pause) freeze "${1:?host}" 1 ;;
  resume) freeze "${1:?host}" 0 ;;
  *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
if [ "$command" = start ]; then wait_booted "$1"; fi
