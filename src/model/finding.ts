/**
 * The catalogue of what `mesh doctor` can find wrong with a host: stable codes for scripts, for `mesh explain CODE` and for
 * docs/errors.md. What a server refuses this host for keeps the code of errors.ts. How a finding is made: command/doctor/.
 */
import type { ErrorCode } from './errors.ts'

export interface FindingEntry {
  /** `wrong`: something does not work. `warning`: it works, and will not for ever or not as intended. */
  readonly severity: Severity
  readonly what: string
  /** In general; a finding itself names the file, the port or the unit. */
  readonly remedy: string
}

export type Severity = 'wrong' | 'warning'

const configuration = {
  'config-missing': {
    severity: 'wrong',
    what: 'There is no configuration on this host, or nothing in it but comments.',
    remedy: 'Write one with `mesh init -server` or `mesh init -agent`.',
  },
  'config-unreadable': {
    severity: 'wrong',
    what: 'A configuration file cannot be read by the user of a program.',
    remedy: 'Give the file mode 0644, or the group of the program and mode 0640.',
  },
  'config-wrong': {
    severity: 'wrong',
    what: 'A configuration file breaks a rule, so the programs do not start with it.',
    remedy: 'Correct the place that is named (file:line:column); `mesh validate` checks again.',
  },
} as const satisfies Readonly<Record<string, FindingEntry>>

const files = {
  'user-missing': {
    severity: 'wrong',
    what: 'A system user under which a program runs does not exist.',
    remedy: 'Make it with `systemd-sysusers mesh-agent.conf`.',
  },
  'state-owner': {
    severity: 'wrong',
    what: 'A folder or file of the state belongs to another user than the program that needs it.',
    remedy: 'Give it to the program’s user with `chown -R`.',
  },
  'state-open': {
    severity: 'wrong',
    what: 'A state folder can be read or written by other users of the machine.',
    remedy: 'Close it with `chmod 0700`.',
  },
  'key-open': {
    severity: 'wrong',
    what: 'A file that holds a private key or a token can be read by other users.',
    remedy: 'Close it with `chmod 0600`; where strangers use the machine, enroll the host anew.',
  },
  'socket-folder-wrong': {
    severity: 'wrong',
    what: 'A folder of the sockets is missing, or has another owner, group or mode than the programs need.',
    remedy: 'Make it anew with `systemd-tmpfiles --create mesh-agent.conf`.',
  },
  'disk-space-none': {
    severity: 'wrong',
    what: 'The disk of the state is full: nothing more can be stored.',
    remedy: 'Free space on it; `du -xh` shows what takes it.',
  },
  'disk-space-low': {
    severity: 'warning',
    what: 'The disk of the state is almost full.',
    remedy: 'Free space on it, or move the data directory to a larger one.',
  },
  'disk-files-none': {
    severity: 'wrong',
    what: 'The file system of the state has no room for another file, although it may have free bytes.',
    remedy: 'Remove files from it; `df -i` shows how many there are.',
  },
  'disk-read-only': {
    severity: 'wrong',
    what: 'The file system of the state is mounted read-only.',
    remedy: 'Look for the reason in the kernel log (`dmesg`), then remount it for writing.',
  },
} as const satisfies Readonly<Record<string, FindingEntry>>

const network = {
  'port-taken': {
    severity: 'wrong',
    what: 'A port that a program of this host needs is held by another process.',
    remedy: 'Stop that process, or choose another port in the configuration.',
  },
  'port-privileged': {
    severity: 'wrong',
    what: 'A port below the system’s limit was chosen, which the programs have no right to open.',
    remedy: 'Choose a higher port, or lower net.ipv4.ip_unprivileged_port_start.',
  },
  'address-loopback': {
    severity: 'wrong',
    what: 'The host tells the others a loopback address, which leads each of them to itself.',
    remedy: 'Set `advertise_addr` to the address by which other hosts reach this one.',
  },
  'address-not-here': {
    severity: 'wrong',
    what: 'An address of the configuration is on no interface of this host.',
    remedy: 'Write an address that `ip address` shows.',
  },
  'address-translated': {
    severity: 'warning',
    what: 'The advertised address is a public one that no interface has; right only where it is translated to this host.',
    remedy: 'Check the translation, or set `advertise_addr` to an address of this host.',
  },
  'server-name-unknown': {
    severity: 'wrong',
    what: 'The name of a server leads to no address.',
    remedy: 'Correct the name in `servers`, or the name service; an address works without one.',
  },
  'server-refuses': {
    severity: 'wrong',
    what: 'A server’s host answers, but nothing listens on its RPC port.',
    remedy: 'Start mesh-server there, or correct address and port in `servers`.',
  },
  'server-silent': {
    severity: 'wrong',
    what: 'A server did not answer in time: its host is away, or a firewall drops the packets.',
    remedy: 'Check that the host runs and that TCP port 8300 of it may be reached from here.',
  },
  'server-not-mesh': {
    severity: 'wrong',
    what: 'Something else than a mesh server answers at a server’s address.',
    remedy: 'Correct address and port in `servers`; a proxy in between must not end TLS.',
  },
  'gossip-refuses': {
    severity: 'warning',
    what: 'The gossip port of another host cannot be reached, so failures are noticed late.',
    remedy: 'Let TCP and UDP port 8301 pass between all hosts.',
  },
  'clock-off': {
    severity: 'wrong',
    what: 'The clock of this host differs from that of a server, so certificates seem expired or not valid yet.',
    remedy: 'Set the clock and keep it right with a time service such as systemd-timesyncd or chrony.',
  },
  'clock-unsynchronised': {
    severity: 'warning',
    what: 'No time service keeps the clock of this host, and no server could be asked for the time.',
    remedy: 'Turn one on with `timedatectl set-ntp true`.',
  },
} as const satisfies Readonly<Record<string, FindingEntry>>

const identity = {
  'host-not-enrolled': {
    severity: 'wrong',
    what: 'This host has no certificate of the mesh yet.',
    remedy: 'Make a token on a server with `mesh token create` and give it to `mesh enroll` here.',
  },
  'token-file-missing': {
    severity: 'wrong',
    what: 'The configuration names a file with an enrollment token, and it is not there.',
    remedy: 'Put the token there, or use `mesh enroll`.',
  },
  'token-file-unreadable': {
    severity: 'wrong',
    what: 'The file with the enrollment token cannot be read by the program that needs it.',
    remedy: 'Give it to the program’s user, with mode 0400.',
  },
  'token-damaged': {
    severity: 'wrong',
    what: 'The file of the enrollment token does not hold a whole one.',
    remedy: 'Copy the token again: one line that begins with mesh1.',
  },
  'token-for-other': {
    severity: 'wrong',
    what: 'The enrollment token was made for another node name or another datacenter.',
    remedy: 'Make one for this host with `mesh token create -node NAME`.',
  },
  'identity-damaged': {
    severity: 'wrong',
    what: 'The host’s key, certificate and roots on disk are damaged or do not belong together.',
    remedy: 'Move the files away and enroll the host again with a new token.',
  },
  'identity-expired': {
    severity: 'wrong',
    what: 'The host’s certificate has expired; it is renewed with the host’s key as soon as a server is reached.',
    remedy: 'Find out why it was not: servers, clock, or an agent that was off.',
  },
  'identity-ending': {
    severity: 'warning',
    what: 'The host’s certificate ends soon, and should have been renewed long before.',
    remedy: 'Look in the agent’s journal for why the renewal failed.',
  },
  'identity-early': {
    severity: 'wrong',
    what: 'By the clock of this host its certificate is not valid yet.',
    remedy: 'Set the clock of this host.',
  },
  'identity-renamed': {
    severity: 'wrong',
    what: 'The host is enrolled under another node name than its configuration has, so the agent does not start.',
    remedy: 'Change `node_name` back, or move the identity away and enroll the host under the new name.',
  },
} as const satisfies Readonly<Record<string, FindingEntry>>

const programs = {
  'systemd-old': {
    severity: 'wrong',
    what: 'The systemd of this host is older than the units need.',
    remedy: 'Use a release with systemd 247 or newer.',
  },
  'unit-missing': {
    severity: 'wrong',
    what: 'A unit of the package is not there.',
    remedy: 'Install the package again with `apt-get install --reinstall mesh-agent`.',
  },
  'unit-masked': {
    severity: 'wrong',
    what: 'A unit is masked, so that nobody can start it.',
    remedy: 'Undo that with `systemctl unmask`.',
  },
  'unit-disabled': {
    severity: 'warning',
    what: 'The agent is not started at boot.',
    remedy: 'Change that with `systemctl enable mesh-agent`.',
  },
  'unit-failed': {
    severity: 'wrong',
    what: 'A program ended with a failure and is not started again by itself.',
    remedy: 'Read why in its journal, then start it.',
  },
  'unit-restarting': {
    severity: 'wrong',
    what: 'A program fails again and again, and is being started once more.',
    remedy: 'Read why in its journal.',
  },
  'unit-stopped': {
    severity: 'wrong',
    what: 'A program of this host does not run, although nothing failed.',
    remedy: 'Start it with `systemctl start mesh-agent`, which brings the others along.',
  },
  'unit-unsteady': {
    severity: 'warning',
    what: 'A program runs, but was started again by itself within the last ten minutes: it crashed or hung.',
    remedy: 'Read why in its journal.',
  },
  'unit-changed': {
    severity: 'warning',
    what: 'A unit file was changed, and systemd has not read it yet.',
    remedy: 'Have it read with `systemctl daemon-reload`, then restart the program.',
  },
  'program-old': {
    severity: 'warning',
    what: 'A program runs in another version than the one that is installed.',
    remedy:
      'Restart it: the agent and the server with `systemctl restart`, the proxy with `systemctl reload`.',
  },
  'limit-low': {
    severity: 'warning',
    what: 'A program may open fewer files than a busy host needs connections.',
    remedy: 'Remove the LimitNOFILE of your own from the unit.',
  },
  'agent-silent': {
    severity: 'wrong',
    what: 'The agent runs, but its API does not answer in time.',
    remedy: 'Look in its journal; its watchdog restarts it where it hangs.',
  },
  'proxy-away': {
    severity: 'wrong',
    what: 'No proxy is connected to the agent, so nothing that changes reaches the traffic of this host.',
    remedy: 'Start it with `systemctl start mesh-proxy`, or read its journal.',
  },
  'proxy-refused': {
    severity: 'wrong',
    what: 'The proxy refused what the agent told it, and goes on with what it had.',
    remedy: 'Correct what the reason names, most often a port that is taken.',
  },
} as const satisfies Readonly<Record<string, FindingEntry>>

const mesh = {
  'leader-missing': {
    severity: 'wrong',
    what: 'No server leads: nothing can be changed in the mesh, while traffic goes on.',
    remedy: 'Start the servers that are missing, until they are a majority; `mesh status` names them.',
  },
  'server-away': {
    severity: 'warning',
    what: 'One of several servers does not answer; the others carry on.',
    remedy: 'Look after that server before a second one fails.',
  },
  'server-version': {
    severity: 'warning',
    what: 'A server runs another version than this host has installed.',
    remedy: 'Finish the upgrade: neighbours one version apart work together, others need not.',
  },
  'service-unheard': {
    severity: 'warning',
    what: 'Nothing listens on the port of a service that this host registers.',
    remedy: 'Start the service, or correct its port.',
  },
  'service-failing': {
    severity: 'warning',
    what: 'A service of this host does not pass its checks, so no traffic is sent to it.',
    remedy: 'See what its check says with `mesh services NAME`.',
  },
  'leaf-refused': {
    severity: 'wrong',
    what: 'A service of this host gets no certificate, so it is not in the mesh.',
    remedy: 'See the reason with `mesh explain`; most often the enrollment does not name the service.',
  },
  'rules-none': {
    severity: 'warning',
    what: 'No intention exists and what none allows is denied, so no service may call another.',
    remedy: 'Allow a call with `mesh intention allow SOURCE DESTINATION`.',
  },
} as const satisfies Readonly<Record<string, FindingEntry>>

export const findingCatalogue = { ...configuration, ...files, ...network, ...identity, ...programs, ...mesh }

export type FindingCode = keyof typeof findingCatalogue

/** What a server refuses this host for, as it stands in errors.ts. */
export type RefusedHostCode = Extract<
  ErrorCode,
  | 'token-unknown'
  | 'token-used'
  | 'token-expired'
  | 'node-name-taken'
  | 'host-evicted'
  | 'not-enrolled'
  | 'wrong-cluster'
  | 'version-mismatch'
  | 'format-too-new'
>

const refusedHostCodes: readonly string[] = [
  'token-unknown',
  'token-used',
  'token-expired',
  'node-name-taken',
  'host-evicted',
  'not-enrolled',
  'wrong-cluster',
  'version-mismatch',
  'format-too-new',
] satisfies readonly RefusedHostCode[]

export const isRefusedHostCode = (code: string): code is RefusedHostCode => refusedHostCodes.includes(code)
