#!/usr/bin/env bash
# Builds the root filesystem that every host of the testbed starts from, once per suite and list below.
#   root.sh SUITE CACHE     prints the folder; a cached one is used as it is
# Takes the package sources that this machine's apt knows for the suite. Needs root. Exits 77 with a reason where the
# suite or mmdebstrap cannot be had.
set -euo pipefail

suite=${1:?suite} cache=${2:?cache folder}
packages=systemd,systemd-sysv,dbus,iproute2,procps,curl,libstdc++6,passwd,libfaketime

# Units that want a real machine: consoles, kernel-wide mounts, timers that go to the network, and those that take inotify
# instances, of which the kernel has 128 for all hosts together.
masked='console-getty.service getty@.service getty.target systemd-networkd.service
  systemd-ask-password-console.path systemd-ask-password-wall.path apt-daily.timer apt-daily-upgrade.timer
  fstrim.timer e2scrub_all.timer dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount
  sys-kernel-config.mount sys-fs-fuse-connections.mount'

unavailable() { echo "testbed: $*" >&2; exit 77; }

# mmdebstrap is a script: unpacked beside the cache it needs nothing installed or changed on this machine.
mmdebstrap_command() {
  if command -v mmdebstrap; then return; fi
  local tools=$cache/tools
  if [ ! -e "$tools/usr/bin/mmdebstrap" ]; then
    mkdir -p "$tools"
    chown _apt "$tools" 2>/dev/null || :
    (cd "$tools" && apt-get download -qq mmdebstrap && dpkg -x mmdebstrap_*.deb .) >&2 ||
      unavailable "apt-get download mmdebstrap failed; install mmdebstrap"
  fi
  echo "$tools/usr/bin/mmdebstrap"
}

# A mirror holds every suite of its distribution, so the one of this machine's own suite serves for another as well.
source_of_suite() {
  # shellcheck disable=SC2016 # the names are apt's, not the shell's
  apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$suite" -v own="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" '
      $2 != "main" || $3 != "Debian" { next }
      $1 == suite { found = $4; exit }
      $1 == own { near = $4 }
      END { print found ? found : near }'
}

configure_root() { # ROOT
  local unit
  # A third of the bytes, and no test reads them.
  rm -rf "$1"/usr/share/man/* "$1"/usr/share/locale/* "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*
  for unit in $masked; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done
  mkdir -p "$1/var/log/journal" "$1/etc/systemd/journald.conf.d"
  printf '[Journal]\nStorage=persistent\nSystemMaxUse=64M\nRateLimitBurst=0\n' > "$1/etc/systemd/journald.conf.d/testbed.conf"
  : > "$1/etc/machine-id"
  rm -f "$1/etc/resolv.conf"
  echo 'nameserver 127.0.0.1' > "$1/etc/resolv.conf"
}

key=$(printf '%s' "$suite" "$packages" "$masked" | sha256sum | cut -c1-12)
root=$cache/root-$suite-$key
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9

if [ ! -d "$root" ]; then
  mirror=$(source_of_suite)
  [ -n "$mirror" ] || unavailable "this machine's apt knows no Debian mirror to take $suite from"
  command=$(mmdebstrap_command)
  rm -rf "$root.part"
  "$command" --mode=root --variant=apt --include="$packages" \
    --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    "$suite" "$root.part" "$mirror" > "$cache/root.log" 2>&1 ||
    { tail -5 "$cache/root.log" >&2; echo "testbed: building the root filesystem failed, see $cache/root.log" >&2; exit 1; }
  configure_root "$root.part"
  mv "$root.part" "$root"
fi
echo "$root"
