import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { HostEnrollment } from '../../../src/agent/enrollment/enrollment.ts'
import type { HostIdentity } from '../../../src/agent/enrollment/identity-files.ts'
import { type Failure, failed, type Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Peer, ServerClient } from '../../../src/rpc/contract.ts'
import type { EnrollmentToken } from '../../../src/rpc/enrollment-token.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { type Cluster, makeCluster, peerWith } from '../ca/cluster.ts'
import { Counters, MemoryFiles, RecordingLog, TestRandom } from '../ca/ports.ts'

const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
const day = 24 * 3_600_000

class TestAgent {
  readonly clock: VirtualClock
  readonly cluster: Cluster
  readonly files: MemoryFiles
  readonly random = new TestRandom()
  readonly log = new RecordingLog()
  readonly metrics = new Counters()
  readonly host: HostEnrollment
  readonly certificates: HostIdentity[] = []
  /** Set while no server answers. */
  trouble: Failure | undefined
  renewals = 0

  constructor(clock: VirtualClock, cluster: Cluster, files = new MemoryFiles(), node = 'h1') {
    this.clock = clock
    this.cluster = cluster
    this.files = files
    const { random, log, metrics } = this
    const opened = HostEnrollment.open({ files, node, nodeId, clock, random, log, metrics })
    if (!opened.ok) throw new Error(opened.failure.message)
    this.host = opened.value
    this.host.onChange((identity) => this.certificates.push(identity))
  }

  /** A connection shows the certificate that the host has at that moment. */
  readonly client: Pick<ServerClient, 'enroll' | 'renewHost'> = {
    enroll: (request, reply) => {
      const { trouble } = this
      const peer: Peer = { certificates: [], address: '' }
      if (trouble === undefined) this.cluster.hosts.enroll(peer, request, reply)
      else reply({ ok: false, failure: trouble })
    },
    renewHost: (request, reply) => {
      this.renewals += 1
      const { trouble } = this
      const peer = peerWith(this.host.identity()?.certificatePem ?? '')
      if (trouble === undefined) this.cluster.hosts.renewHost(peer, request, reply)
      else reply({ ok: false, failure: trouble })
    },
  }

  enroll(token: EnrollmentToken): Result<HostIdentity> {
    const answers: Result<HostIdentity>[] = []
    this.host.enroll(token, this.client, (answer) => answers.push(answer))
    if (answers[0] === undefined) throw new Error('no answer')
    return answers[0]
  }
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)

function enrolledAgent(clock = new VirtualClock()) {
  const cluster = makeCluster({ clock })
  const agent = new TestAgent(clock, cluster)
  const answer = agent.enroll(cluster.makeToken())
  if (!answer.ok) throw new Error(answer.failure.message)
  return { clock, cluster, agent }
}

test('enrolling makes a key here and keeps key, certificate and roots, all 0600', () => {
  const { agent, cluster } = enrolledAgent()
  const identity = agent.host.identity()
  expect(identity).toMatchObject({ node: 'h1', datacenter: 'dc1', services: ['web', 'api-*'] })
  expect([...agent.files.files.keys()].sort()).toEqual([
    'enrollment.json',
    'host-roots.pem',
    'host.crt',
    'host.key',
    'service-roots.json',
  ])
  expect(new Set(agent.files.modes.values())).toEqual(new Set([0o600]))
  const certificate = new X509Certificate(identity?.certificatePem ?? '')
  expect(certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')).toBe(
    cluster.state.hosts.get('h1')?.publicKey,
  )
  expect(identity?.hostRoots[0]?.certificatePem).toBe(cluster.state.roots('host')[0]?.certificatePem)
})

test('a restart finds the identity without any server', () => {
  const { agent, cluster, clock } = enrolledAgent()
  const again = new TestAgent(clock, cluster, agent.files)
  expect(again.host.identity()).toEqual(agent.host.identity())
})

test('servers that the cluster told are known after a restart, and after a renewal', () => {
  const { agent, cluster, clock } = enrolledAgent()
  const told = ['10.0.0.1:8300', '10.0.0.2:8300', '10.0.0.3:8300']
  agent.host.useServers(told)
  agent.host.useServers([])
  expect(agent.host.identity()?.servers).toEqual(told)
  const again = new TestAgent(clock, cluster, agent.files)
  expect(again.host.identity()).toEqual(agent.host.identity())
  again.host.start(again.client)
  clock.run(20 * day)
  expect(again.certificates.length).toBeGreaterThan(0)
  expect(again.host.identity()?.servers).toEqual(told)
})

test('the gossip keys come with the certificate and with each renewal, are kept 0600, and told on as they change', () => {
  const clock = new VirtualClock()
  let given: readonly string[] = ['one']
  const cluster = makeCluster({ clock, gossipKeys: () => given })
  const agent = new TestAgent(clock, cluster)
  const heard: (readonly string[])[] = []
  agent.host.onGossipKeys((keys) => heard.push(keys))
  expect(codeOf(agent.enroll(cluster.makeToken()))).toBe('ok')
  expect(agent.host.identity()?.gossipKeys).toEqual(['one'])
  expect(agent.files.modes.get('gossip-keys.json')).toBe(0o600)
  agent.host.useGossipKeys(['two', 'one'])
  agent.host.useGossipKeys(['two', 'one'])
  agent.host.useGossipKeys([])
  expect(heard).toEqual([['one'], ['two', 'one']])
  expect(new TestAgent(clock, cluster, agent.files).host.identity()?.gossipKeys).toEqual(['two', 'one'])
  given = ['two']
  agent.host.start(agent.client)
  clock.run(20 * day)
  expect(agent.host.identity()?.gossipKeys).toEqual(['two'])
  expect(heard.at(-1)).toEqual(['two'])
  // A server that cannot read them takes nothing away.
  given = []
  clock.run(20 * day)
  expect(agent.host.identity()?.gossipKeys).toEqual(['two'])
  expect(new TestAgent(clock, cluster, agent.files).host.identity()?.gossipKeys).toEqual(['two'])
  expect(agent.log.lines.join('')).not.toContain('two')
})

test('an evicted host that is let in with a new token goes on with its new key, without a restart', () => {
  const { agent, cluster, clock } = enrolledAgent()
  const before = agent.host.identity()
  agent.host.awaitNewKey()
  agent.host.awaitNewKey()
  clock.run(60_000)
  const changes = agent.certificates.length
  const row = cluster.state.hosts.get('h1')
  if (row === undefined) throw new Error('not enrolled')
  cluster.state.hosts.set('h1', { ...row, evicted: true })
  // `mesh enroll` is another process with the same files.
  const command = new TestAgent(clock, cluster, agent.files)
  expect(codeOf(command.enroll(cluster.makeToken()))).toBe('ok')
  expect(agent.host.identity()).toBe(before)
  clock.run(5_000)
  expect(agent.host.identity()?.certificatePem).toBe(command.host.identity()?.certificatePem)
  expect(agent.host.identity()?.privateKeyPem).not.toBe(before?.privateKeyPem)
  expect(agent.certificates).toHaveLength(changes + 1)
  clock.run(60_000)
  expect(agent.certificates, 'looked for no more').toHaveLength(changes + 1)
})

test('a token for another node is not even sent, and none is ever told', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const agent = new TestAgent(clock, cluster)
  const token = cluster.makeToken({ node: 'h7' })
  const answer = agent.enroll(token)
  expect(codeOf(answer)).toBe('bad-token')
  expect(JSON.stringify(answer) + agent.log.lines.join()).not.toContain(token.secret)
  expect(cluster.admission.written).toEqual([])
})

test('when the answer is lost, asking again with the same token works', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const agent = new TestAgent(clock, cluster)
  const token = cluster.makeToken()
  const lossy: Pick<ServerClient, 'enroll'> = {
    enroll: (request, reply) =>
      cluster.hosts.enroll({ certificates: [], address: '' }, request, () =>
        reply(failed('no-server', 'lost')),
      ),
  }
  const answers: Result<HostIdentity>[] = []
  agent.host.enroll(token, lossy, (answer) => answers.push(answer))
  expect(answers.map(codeOf)).toEqual(['no-server'])
  expect(agent.host.identity()).toBeUndefined()
  // Even a restart in between does not matter: the key was stored before it was used.
  const again = new TestAgent(clock, cluster, agent.files)
  expect(codeOf(again.enroll(token))).toBe('ok')
})

test('the certificate is renewed between 50 and 66 % of its life, again and again', () => {
  const { agent, clock } = enrolledAgent()
  agent.host.start(agent.client)
  const life = limits.hostCertificateTtlMs
  clock.run(life * 0.49)
  expect(agent.renewals).toBe(0)
  clock.run(life * 0.18)
  expect(agent.renewals).toBe(1)
  clock.run(life * 3)
  expect(agent.renewals).toBeGreaterThanOrEqual(5)
  expect(agent.host.identity()?.notAfterMs).toBeGreaterThan(clock.wallMs() + life * 0.3)
  expect(agent.certificates.length).toBe(agent.renewals + 1)
  agent.host.stop()
})

test('hosts that enrolled together renew at different times', () => {
  const times = new Set<number>()
  for (const fraction of [0, 0.25, 0.5, 0.75, 0.999]) {
    const { agent, clock } = enrolledAgent()
    agent.random.next = () => fraction
    const startMs = clock.wallMs()
    agent.host.start(agent.client)
    while (agent.renewals === 0) clock.run(3_600_000)
    const share = (clock.wallMs() - startMs) / limits.hostCertificateTtlMs
    expect(share).toBeGreaterThan(0.49)
    expect(share).toBeLessThan(0.67)
    times.add(Math.round(share * 100))
    agent.host.stop()
  }
  expect(times.size).toBe(5)
})

test('while servers are away renewal is tried in growing windows, and works when they are back', () => {
  const { agent, clock } = enrolledAgent()
  agent.host.start(agent.client)
  agent.trouble = { code: 'no-server', message: 'away' }
  clock.run(20 * day)
  const early = agent.renewals
  expect(early).toBeGreaterThan(10)
  clock.run(3_600_000)
  expect(agent.renewals - early).toBeGreaterThan(20)
  expect(agent.renewals - early).toBeLessThan(80)
  agent.trouble = undefined
  const before = agent.host.identity()?.notAfterMs ?? 0
  clock.run(300_000)
  expect(agent.host.identity()?.notAfterMs).toBeGreaterThan(before)
  agent.host.stop()
})

test('a host that was off for a year renews by itself as soon as it starts', () => {
  const { agent, cluster, clock } = enrolledAgent()
  clock.run(365 * day)
  const again = new TestAgent(clock, cluster, agent.files)
  expect(again.host.identity()?.notAfterMs).toBeLessThan(clock.wallMs())
  again.host.start(again.client)
  clock.run(5_000)
  expect(again.host.identity()?.notAfterMs).toBeGreaterThan(clock.wallMs())
  expect(again.host.identity()?.privateKeyPem).toBe(agent.host.identity()?.privateKeyPem)
  again.host.stop()
})

test('a clock that jumps past the renewal is noticed within the hour', () => {
  const { agent, clock } = enrolledAgent()
  agent.host.start(agent.client)
  clock.run(1_000)
  clock.wallOffsetMs += limits.hostCertificateTtlMs * 0.8
  clock.run(3_600_000 + 31_000)
  expect(agent.renewals).toBe(1)
  agent.host.stop()
})

test('an evicted host is told so, asks seldom, and comes back with a new token and a new key', () => {
  const { agent, cluster, clock } = enrolledAgent()
  agent.host.start(agent.client)
  const row = cluster.state.hosts.get('h1')
  if (row === undefined) throw new Error('not registered')
  cluster.state.hosts.set('h1', { ...row, evicted: true })
  clock.run(20 * day)
  expect(agent.log.lines.some((line) => line.includes('host-evicted'))).toBe(true)
  const before = agent.renewals
  clock.run(3_600_000)
  expect(agent.renewals - before).toBeLessThan(10)
  const oldKey = agent.host.identity()?.privateKeyPem
  expect(codeOf(agent.enroll(cluster.makeToken()))).toBe('ok')
  expect(agent.host.identity()?.privateKeyPem).not.toBe(oldKey)
  expect(cluster.state.hosts.get('h1')?.evicted).toBe(false)
  agent.host.stop()
  const again = new TestAgent(clock, cluster, agent.files)
  expect(again.host.identity()).toEqual(agent.host.identity())
  expect([...agent.files.files.keys()]).not.toContain('host.key.next')
})

test('a crash between any two writes of a new key leaves an identity that works', () => {
  const { agent, cluster, clock } = enrolledAgent()
  const row = cluster.state.hosts.get('h1')
  if (row === undefined) throw new Error('not registered')
  cluster.state.hosts.set('h1', { ...row, evicted: true })
  const token = cluster.makeToken()
  const snapshots: Map<string, Uint8Array>[] = []
  const write = agent.files.write.bind(agent.files)
  const remove = agent.files.remove.bind(agent.files)
  agent.files.write = (...args) => {
    const done = write(...args)
    snapshots.push(new Map(agent.files.files))
    return done
  }
  agent.files.remove = (path) => {
    const done = remove(path)
    snapshots.push(new Map(agent.files.files))
    return done
  }
  expect(codeOf(agent.enroll(token))).toBe('ok')
  expect(snapshots.length).toBeGreaterThan(5)
  for (const snapshot of snapshots) {
    const files = new MemoryFiles()
    for (const [path, data] of snapshot) files.files.set(path, data)
    const crashed = new TestAgent(clock, cluster, files)
    expect(crashed.host.identity()).toBeDefined()
    expect(codeOf(crashed.enroll(token))).toBe('ok')
  }
})

test('damaged files and a changed node name are errors that say what to do', () => {
  const { agent } = enrolledAgent()
  const open = (files: MemoryFiles, node = 'h1') => {
    const { clock, random, log, metrics } = agent
    return HostEnrollment.open({ files, node, nodeId, clock, random, log, metrics })
  }
  for (const path of ['host.key', 'host.crt', 'enrollment.json', 'service-roots.json']) {
    const files = new MemoryFiles()
    for (const [name, data] of agent.files.files) files.files.set(name, data)
    files.files.set(path, Buffer.from('damaged'))
    const opened = open(files)
    expect(codeOf(opened), path).toBe('invalid-config')
    expect(opened.ok ? '' : opened.failure.message).toContain('enroll')
  }
  const renamed = open(agent.files, 'h2')
  expect(renamed.ok ? '' : renamed.failure.message).toContain('node_name')
})

test('an answer that is not for this host’s key is not kept', () => {
  const clock = new VirtualClock()
  const cluster = makeCluster({ clock })
  const agent = new TestAgent(clock, cluster)
  const other = enrolledAgent(clock).agent.host.identity()
  if (other === undefined) throw new Error('not enrolled')
  const swapped: Pick<ServerClient, 'enroll'> = {
    enroll: (request, reply) =>
      cluster.hosts.enroll({ certificates: [], address: '' }, request, (answer) =>
        reply(
          answer.ok ? { ok: true, value: { ...answer.value, certificatePem: other.certificatePem } } : answer,
        ),
      ),
  }
  const answers: Result<HostIdentity>[] = []
  agent.host.enroll(cluster.makeToken(), swapped, (answer) => answers.push(answer))
  expect(answers.map(codeOf)).toEqual(['wrong-cluster'])
  expect(agent.host.identity()).toBeUndefined()
})
