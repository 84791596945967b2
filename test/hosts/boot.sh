#!/usr/bin/env bash
# The first moment of a host: runs as PID 1 of fresh namespaces, makes the root filesystem look like a machine's, and
# becomes systemd.   boot.sh ROOT NAME
# Everything is mounted anew. Nothing of the machine's /dev is bound in: a host that changed the mode of a shared node
# would change the machine's.
set -euo pipefail

root=${1:?root} name=${2:?name}

mount_kernel_interfaces() {
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755,nosuid,nodev,size=20% tmpfs "$root/run"
}

make_devices() {
  local node dev=$root/dev
  mount -t tmpfs -o mode=755,size=4m,nosuid tmpfs "$dev"
  for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$dev/${node%:*}" c 1 "${node#*:}"; done
  mknod -m 666 "$dev/tty" c 5 0
  mknod -m 600 "$dev/console" c 1 3
  mkdir "$dev/pts" "$dev/shm" "$dev/mqueue"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$dev/shm"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"
  ln -s fd/0 "$dev/stdin"
  ln -s fd/1 "$dev/stdout"
  ln -s fd/2 "$dev/stderr"
  ln -s null "$dev/kmsg"
}

# Kernel settings are the machine's and read-only, except those of the host's own network.
guard_kernel_settings() {
  local node
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/sys"
  for node in sysrq-trigger kcore kmsg kallsyms; do
    if [ -e "$root/proc/$node" ]; then mount --bind "$root/dev/null" "$root/proc/$node"; fi
  done
}

# The kernel has one boot id; without an own one the journal takes all hosts for one boot.
own_boot_id() {
  cat /proc/sys/kernel/random/uuid > "$root/run/.boot_id"
  mount --bind "$root/run/.boot_id" "$root/proc/sys/kernel/random/boot_id"
}

enter_root() {
  cd "$root"
  mkdir -p .machine
  pivot_root . .machine
  cd /
  umount -l /.machine
  rmdir /.machine
  # Left to whoever starts a container; LoadCredential= gives no file without it.
  mount --make-rshared /
}

hostname "$name"
mount_kernel_interfaces
make_devices
own_boot_id
guard_kernel_settings
enter_root
withheld=-sys_module,-mknod,-sys_rawio,-sys_time,-syslog,-mac_admin,-mac_override,-wake_alarm,-block_suspend,-sys_pacct
withheld=$withheld,-audit_control,-audit_read
exec env -i container=testbed PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  setpriv --bounding-set="$withheld" --inh-caps="$withheld" /lib/systemd/systemd --log-target=journal
