/**
 * What there is on a host that a package can leave behind: files with type and owner, users, groups, routing rules, sockets,
 * units. As sorted lines, to be compared before and after. Leaves out what apt, dpkg, systemd and the journal keep for themselves.
 */
import type { Host } from './testbed.ts'

/** Each with the reason why a difference there is nobody's mistake. */
const foreign: Readonly<Record<string, string>> = {
  '/var/lib/dpkg': 'dpkg’s own records',
  '/var/log/dpkg.log': 'dpkg’s own records',
  '/var/log/apt': 'apt’s own records',
  '/var/lib/apt': 'apt’s own records',
  '/var/cache/apt': 'apt’s own records',
  '/var/log/journal': 'the journal',
  '/run/log': 'the journal',
  '/run/systemd': 'the state of systemd while it runs; units are listed by themselves',
  '/var/lib/systemd': 'timers and credentials of systemd',
  '/etc/passwd-': 'the copy that useradd and userdel make, mode and all',
  '/etc/group-': 'the same',
  '/etc/shadow-': 'the same',
  '/etc/gshadow-': 'the same',
  '/tmp': 'folders of whatever runs',
  '/var/tmp': 'folders of whatever runs',
  '/root': 'what the operator carried here',
}

const script = `
find / /run -xdev ${Object.keys(foreign)
  .map((path) => `-path ${path} -prune -o`)
  .join(' ')} -printf 'file %p %y %U:%G %m\\n'
find /var/lib/systemd -path '*mesh*' -printf 'file %p %y\\n'
getent passwd | sed 's/^/user /'
getent group | sed 's/^/group /'
cut -d: -f1 /etc/shadow /etc/gshadow | sed 's/^/shadow /'
ip rule | sed 's/^/rule /'
ip route show table all | grep -v 'proto kernel' | sed 's/^/route /'
ss -Hxlno | awk '{ print "socket", $5 }' | grep -v '^socket /run/systemd/'
ss -Htulno | awk '{ print "socket", $1, $5 }'
systemctl list-units --all --plain --no-legend 'mesh*' | sed 's/^/unit /'
`

export async function inventory(host: Host): Promise<readonly string[]> {
  return (await host.exec('sh', '-c', script)).trimEnd().split('\n').sort()
}
