/** What can be wrong with a host, one fault each: how it comes about, what the doctor must say, how it is undone. */
import { match } from 'node:assert/strict'
import type { Scene } from '../scenario.ts'
import { hostOf } from '../scenario.ts'
import { eventually } from '../steps.ts'
import type { Host } from '../testbed.ts'

export interface Fault {
  /** For people. */
  readonly what: string
  readonly host: 'vm1' | 'vm2' | 'vm3'
  readonly code: string
  /** What the line must name: the file, the port, the unit. */
  readonly names: RegExp
  readonly remedy: RegExp
  /** Codes that this fault brings along. */
  readonly follows?: readonly string[]
  /** Of the doctor; `+1h` sets its clock forward. */
  readonly options?: readonly string[]
  readonly deadlineMs?: number
  readonly apply: (host: Host, scene: Scene) => Promise<unknown>
  readonly undo: (host: Host, scene: Scene) => Promise<unknown>
}

const state = '/var/lib/mesh-agent'
const more = '/etc/mesh-agent/zz.hcl'

/** Runs a line of a root shell. */
const types =
  (line: string) =>
  (host: Host): Promise<string> =>
    host.exec('sh', '-ec', line)

const writes =
  (text: string) =>
  (host: Host): Promise<void> =>
    host.write(more, text)

const unwrites = types(`rm -f ${more}`)

/** A small disk in place of the state's, with the state on it. */
const onDisk = (options: string): string =>
  `mkdir /root/disk && mount -t tmpfs -o ${options} tmpfs /root/disk && cp -a ${state}/. /root/disk/ && mount --bind /root/disk ${state}`
const offDisk = types(`umount -l ${state} && umount -l /root/disk && rmdir /root/disk`)

const squatter = (port: number): string =>
  `systemd-run --unit=squatter mesh sample-service --name squatter --listen 0.0.0.0:${port}; until curl -s 127.0.0.1:${port} >/dev/null; do sleep 0.1; done`

/** A token of vm1 lets vm2 in, for the first time or again. */
export async function enroll(scene: Scene): Promise<void> {
  const [vm1, vm2] = [hostOf(scene, 'vm1'), hostOf(scene, 'vm2')]
  const token = await vm1.exec('mesh', 'token', 'create', '-node', 'vm2', '-service', 'backend', '-q')
  await vm2.write('/root/token', token)
  await vm2.exec('mesh', 'enroll', '-token-file', '/root/token')
}

/** Of a host that is in the mesh. */
export const faultsOfMember: readonly Fault[] = [
  {
    what: 'a mistake in the configuration',
    host: 'vm2',
    code: 'config-wrong',
    names: /zz\.hcl:1:\d+: /,
    remedy: /\w/,
    apply: writes('service {\n'),
    undo: unwrites,
  },
  {
    what: 'a configuration file that the agent may not read',
    host: 'vm2',
    code: 'config-unreadable',
    names: /mesh-agent cannot read \/etc\/mesh-agent\/backend\.hcl/,
    remedy: /^chmod 0644 \/etc\/mesh-agent\/backend\.hcl$/,
    apply: types('chmod 0600 /etc/mesh-agent/backend.hcl'),
    undo: types('chmod 0644 /etc/mesh-agent/backend.hcl'),
  },
  {
    what: 'state that belongs to root',
    host: 'vm2',
    code: 'state-owner',
    names: /\/var\/lib\/mesh-agent\/agent\/host\.crt/,
    remedy: /^chown -R mesh-agent: /,
    apply: types(`chown root: ${state}/agent/host.crt`),
    undo: types(`chown mesh-agent: ${state}/agent/host.crt`),
  },
  {
    what: 'a private key that everybody may read',
    host: 'vm2',
    code: 'key-open',
    names: /host\.key has mode 0644/,
    remedy: /^chmod 0600 .*host\.key$/,
    apply: types(`chmod 0644 ${state}/agent/host.key`),
    undo: types(`chmod 0600 ${state}/agent/host.key`),
  },
  {
    what: 'a folder of the sockets with another group',
    host: 'vm2',
    code: 'socket-folder-wrong',
    names: /\/run\/mesh-agent\/link is mesh-agent:root/,
    remedy: /^systemd-tmpfiles --create/,
    apply: types('chgrp root /run/mesh-agent/link'),
    undo: types('systemd-tmpfiles --create mesh-agent.conf'),
  },
  {
    what: 'a full disk',
    host: 'vm2',
    code: 'disk-space-none',
    names: /\/var\/lib\/mesh-agent is full/,
    remedy: /^du /,
    apply: types(`${onDisk('size=32m')}; head -c 40m /dev/zero > ${state}/filler || :`),
    undo: offDisk,
  },
  {
    what: 'no inode left',
    host: 'vm2',
    code: 'disk-files-none',
    names: /inodes left/,
    remedy: /^df -i/,
    apply: types(
      `${onDisk('nr_inodes=400')}; for i in $(seq 400); do touch ${state}/$i 2>/dev/null || break; done`,
    ),
    undo: offDisk,
  },
  {
    what: 'a disk that is mounted read-only',
    host: 'vm2',
    code: 'disk-read-only',
    names: /read-only/,
    remedy: /remount,rw/,
    apply: types(`mount --bind ${state} ${state} && mount -o remount,ro,bind ${state}`),
    undo: types(`umount -l ${state}`),
  },
  {
    what: 'a port of the agent that another program holds',
    host: 'vm2',
    code: 'port-taken',
    names: /127\.0\.0\.1:8500 is taken by .*\(pid \d+\).*HTTP API/,
    remedy: /sport = :8500/,
    follows: ['unit-stopped', 'unit-failed', 'unit-restarting'],
    apply: types(`systemctl stop mesh-agent; ${squatter(8_500)}`),
    undo: types('systemctl stop squatter; systemctl start mesh-agent'),
  },
  {
    what: 'a loopback address that is told to others',
    host: 'vm2',
    code: 'address-loopback',
    names: /127\.0\.0\.1/,
    remedy: /^advertise_addr = "10\.77\.1\.2"/,
    apply: writes('advertise_addr = "127.0.0.1"\n'),
    undo: unwrites,
  },
  {
    what: 'an advertised address that the host does not have',
    host: 'vm2',
    code: 'address-not-here',
    names: /10\.77\.1\.99/,
    remedy: /^advertise_addr = "10\.77\.1\.2"/,
    apply: writes('advertise_addr = "10.77.1.99"\n'),
    undo: unwrites,
  },
  {
    what: 'a server that is stopped',
    host: 'vm2',
    code: 'server-refuses',
    names: /10\.77\.1\.1:8300/,
    remedy: /systemctl start mesh-agent/,
    apply: (_host, scene) => types('systemctl stop mesh-server')(hostOf(scene, 'vm1')),
    undo: (_host, scene) =>
      types('systemctl start mesh-server; until mesh status -leader; do sleep 0.2; done')(
        hostOf(scene, 'vm1'),
      ),
  },
  {
    what: 'a server that cannot be reached',
    host: 'vm2',
    code: 'server-silent',
    names: /10\.77\.1\.1:8300/,
    remedy: /8300/,
    apply: (_host, scene) => types('ip link set eth0 down')(hostOf(scene, 'vm1')),
    undo: (_host, scene) => types('ip link set eth0 up')(hostOf(scene, 'vm1')),
  },
  {
    what: 'a clock that is an hour ahead',
    host: 'vm2',
    code: 'clock-off',
    names: /60 minutes ahead of/,
    remedy: /timedatectl/,
    options: ['+1h'],
    apply: () => Promise.resolve(),
    undo: () => Promise.resolve(),
  },
  {
    what: 'another node name than the one it is enrolled under',
    host: 'vm2',
    code: 'identity-renamed',
    names: /enrolled as "vm2", its configuration says "elsewhere"/,
    remedy: /node_name = "vm2"/,
    apply: writes('node_name = "elsewhere"\n'),
    undo: unwrites,
  },
  {
    what: 'a damaged host certificate',
    host: 'vm2',
    code: 'identity-damaged',
    names: /damaged/,
    remedy: /mesh enroll/,
    apply: types(`cp -p ${state}/agent/host.crt /root/ && : > ${state}/agent/host.crt`),
    undo: types(`cat /root/host.crt > ${state}/agent/host.crt`),
  },
  {
    what: 'a host that was evicted',
    host: 'vm2',
    code: 'host-evicted',
    names: /evicted/,
    remedy: /mesh token create/,
    follows: ['leaf-refused'],
    apply: (_host, scene) => hostOf(scene, 'vm1').exec('mesh', 'node', 'evict', 'vm2'),
    undo: (_host, scene) => enroll(scene),
  },
  {
    what: 'a masked unit',
    host: 'vm2',
    code: 'unit-masked',
    names: /mesh-proxy is masked/,
    remedy: /^systemctl unmask mesh-proxy/,
    follows: ['proxy-away'],
    apply: types('systemctl stop mesh-proxy; systemctl mask mesh-proxy 2>/dev/null'),
    undo: types('systemctl unmask mesh-proxy 2>/dev/null; systemctl start mesh-proxy'),
  },
  {
    what: 'a proxy that was stopped',
    host: 'vm2',
    code: 'unit-stopped',
    names: /mesh-proxy does not run/,
    remedy: /^systemctl start/,
    follows: ['proxy-away'],
    apply: types('systemctl stop mesh-proxy'),
    undo: types('systemctl start mesh-proxy'),
  },
  {
    what: 'an agent that hangs',
    host: 'vm2',
    code: 'agent-silent',
    names: /does not answer/,
    remedy: /journalctl -u mesh-agent/,
    apply: types('kill -STOP $(systemctl show -P MainPID mesh-agent)'),
    undo: types('kill -CONT $(systemctl show -P MainPID mesh-agent)'),
  },
  {
    what: 'an agent that crashed and came back',
    host: 'vm2',
    code: 'unit-unsteady',
    names: /mesh-agent was started again/,
    remedy: /^journalctl -u mesh-agent/,
    deadlineMs: 30_000,
    apply: types('kill -9 $(systemctl show -P MainPID mesh-agent)'),
    undo: types('systemctl restart mesh-agent'),
  },
  {
    what: 'a service that does not listen',
    host: 'vm2',
    code: 'service-unheard',
    names: /port 9090 of service backend/,
    remedy: /start backend/,
    apply: types('systemctl stop backend'),
    undo: types('systemd-run --unit=backend mesh sample-service --name backend --listen 127.0.0.1:9090'),
  },
]

const asHost = (text: string): string => `servers = ["10.77.1.1"]\n${text}`
const tokenFile = '/etc/mesh-agent/enrollment-token'
const withTokenFile = asHost(`enrollment_token_file = "${tokenFile}"\n`)

async function hasToken(host: Host, scene: Scene, node: string): Promise<void> {
  const token = await hostOf(scene, 'vm1').exec('mesh', 'token', 'create', '-node', node, '-q')
  await host.write(more, withTokenFile)
  await host.write(tokenFile, token)
  await host.exec('sh', '-c', `chown mesh-agent ${tokenFile} && chmod 0400 ${tokenFile}`)
}

/** Of a host that has the package and wants to come in: `mesh doctor -pre`. */
export const faultsOfNewcomer: readonly Fault[] = [
  {
    what: 'the name of a server that nobody knows',
    host: 'vm3',
    code: 'server-name-unknown',
    names: /servers\.example:8300/,
    remedy: /getent hosts servers\.example/,
    follows: ['host-not-enrolled'],
    options: ['-pre'],
    apply: writes('servers = ["servers.example"]\n'),
    undo: unwrites,
  },
  {
    what: 'something else at the address of the server',
    host: 'vm3',
    code: 'server-not-mesh',
    names: /10\.77\.1\.2:8300 is no mesh server/,
    remedy: /servers in the configuration/,
    follows: ['host-not-enrolled'],
    options: ['-pre'],
    apply: async (host, scene) => {
      await types(squatter(8_300))(hostOf(scene, 'vm2'))
      await host.write(more, 'servers = ["10.77.1.2"]\n')
    },
    undo: async (host, scene) => {
      await types('systemctl stop squatter')(hostOf(scene, 'vm2'))
      await unwrites(host)
    },
  },
  {
    what: 'a host that nobody let in',
    host: 'vm3',
    code: 'host-not-enrolled',
    names: /not enrolled/,
    remedy: /mesh token create -node vm3/,
    options: ['-pre'],
    apply: writes(asHost('')),
    undo: unwrites,
  },
  {
    what: 'a token file that is not there',
    host: 'vm3',
    code: 'token-file-missing',
    names: /enrollment-token is not there/,
    remedy: /^install -m 0400 -o mesh-agent/,
    options: ['-pre'],
    apply: writes(withTokenFile),
    undo: unwrites,
  },
  {
    what: 'a token file that the agent may not read',
    host: 'vm3',
    code: 'token-file-unreadable',
    names: /mesh-agent cannot read .*enrollment-token/,
    remedy: /^chown mesh-agent/,
    options: ['-pre'],
    apply: async (host, scene) => {
      await hasToken(host, scene, 'vm3')
      await host.exec('chown', 'root', tokenFile)
    },
    undo: unwrites,
  },
  {
    what: 'a token that was made for another host',
    host: 'vm3',
    code: 'token-for-other',
    names: /for node "vm4", this one is "vm3"/,
    remedy: /mesh token create -node vm3/,
    options: ['-pre'],
    apply: (host, scene) => hasToken(host, scene, 'vm4'),
    undo: unwrites,
  },
  {
    what: 'a token that another host has used',
    host: 'vm3',
    code: 'token-used',
    names: /used/,
    remedy: /mesh token create/,
    follows: ['host-not-enrolled'],
    apply: async (host, scene) => {
      await hasToken(host, scene, 'vm3')
      await host.write(tokenFile, await hostOf(scene, 'vm2').exec('cat', '/root/token'))
      await host.write(more, `${withTokenFile}node_name = "vm2"\n`)
      await host.exec('systemctl', 'start', 'mesh-agent')
      await eventually(async () => match(await host.journal('mesh-agent'), /token-used/))
    },
    undo: types(`systemctl stop mesh-agent mesh-proxy; rm -rf ${more} ${tokenFile} ${state}/agent/*`),
  },
]

/** Between the hosts of two meshes. */
export const faultsOfStranger: readonly Fault[] = [
  {
    what: 'a server of another mesh',
    host: 'vm2',
    code: 'wrong-cluster',
    names: /10\.77\.1\.3:8300/,
    remedy: /servers in the configuration/,
    apply: writes('servers = ["10.77.1.3"]\n'),
    undo: unwrites,
  },
  {
    what: 'a data directory of a newer version',
    host: 'vm3',
    code: 'format-too-new',
    names: /format 99/,
    remedy: /newer version/,
    apply: types(`sed -i 's/[0-9]*$/99/' ${state}/server/FORMAT`),
    undo: types(`sed -i 's/[0-9]*$/1/' ${state}/server/FORMAT`),
  },
]
