import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Leaf } from '../../../src/agent/contract.ts'
import { HostLeaves } from '../../../src/agent/leaves/leaves.ts'
import type { Failure, Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import type { LeafCertificate, Peer, Reply, SignLeafRequest } from '../../../src/rpc/contract.ts'
import { makeGenesis } from '../../../src/server/ca/genesis.ts'
import { publicRoots } from '../../../src/server/ca/roots.ts'
import { hostTagOfSerial } from '../../../src/wire/x509/host-tag.ts'
import { generateKey, readPrivateKeyPem } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { type Cluster, makeCluster, peerWith } from '../ca/cluster.ts'
import { serviceNamed } from '../ca/fake-state.ts'
import { Counters, MemoryFiles, RecordingLog, TestRandom } from '../ca/ports.ts'

const hour = 3_600_000

class Stage {
  readonly clock = new VirtualClock()
  readonly cluster: Cluster = makeCluster({ clock: this.clock })
  readonly files = new MemoryFiles()
  readonly random = new TestRandom()
  readonly log = new RecordingLog()
  readonly metrics = new Counters()
  readonly asked: string[] = []
  readonly changed: string[] = []
  /** Answers that wait until they are let go; undefined: answered after a millisecond. */
  held: (() => void)[] | undefined
  trouble: Failure | undefined
  readonly peer: Peer
  leaves: HostLeaves

  constructor(services: readonly string[] = ['web', 'api', 'db']) {
    let peer: Peer | undefined
    const csr = createCertificateRequest(generateKey())
    const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
    const { secret } = this.cluster.makeToken({ services: ['*'] })
    this.cluster.hosts.enroll(
      { certificates: [], address: '' },
      { secret, node: 'h1', nodeId, csr },
      (answer) => {
        if (answer.ok) peer = peerWith(answer.value.certificatePem)
      },
    )
    if (peer === undefined) throw new Error('not enrolled')
    this.peer = peer
    this.cluster.state.services.set(
      'h1',
      services.map((name) => serviceNamed(name)),
    )
    this.leaves = this.restart()
  }

  restart(): HostLeaves {
    const { files, clock, random, log, metrics } = this
    const client = {
      signLeaf: (request: SignLeafRequest, reply: Reply<LeafCertificate>) => this.#sign(request, reply),
    }
    this.leaves = new HostLeaves({ client, files, clock, random, log, metrics })
    this.leaves.onChange((service) => this.changed.push(service))
    return this.leaves
  }

  #sign(request: SignLeafRequest, reply: Reply<LeafCertificate>): void {
    this.asked.push(request.service)
    const { trouble } = this
    const answer = (): void => {
      if (trouble !== undefined) reply({ ok: false, failure: trouble })
      else this.cluster.leafSigning.signLeaf(this.peer, request, reply)
    }
    // The host renews its own certificate elsewhere; here the signer just accepts it.
    if (this.held === undefined) this.clock.after(1, answer)
    else this.held.push(answer)
  }

  want(...services: readonly string[]): void {
    this.leaves.want(new Set(services))
  }

  leaf(service: string): Leaf {
    const leaf = this.leaves.leaf(service)
    if (leaf === undefined) throw new Error(`no leaf of ${service}`)
    return leaf
  }

  request(service: string): { readonly answers: Result<Leaf>[] } {
    const answers: Result<Leaf>[] = []
    this.leaves.request(service, (answer) => answers.push(answer))
    return { answers }
  }
}

const codeOf = (result: Result<unknown> | undefined): string =>
  result === undefined ? 'none' : result.ok ? 'ok' : result.failure.code

const overloaded: Failure = { code: 'overloaded', message: 'later' }
const away: Failure = { code: 'no-server', message: 'away' }

test('each wanted service has a leaf of its own, whose key was made here and lies 0600', () => {
  const stage = new Stage()
  stage.want('web', 'api')
  stage.clock.run(10)
  const [web, api] = [stage.leaf('web'), stage.leaf('api')]
  const { clusterId } = stage.cluster.state.clusterSettings ?? {}
  expect(web.uri).toBe(`spiffe://${clusterId}.consul/ns/default/dc/dc1/svc/web`)
  for (const leaf of [web, api]) {
    const key = readPrivateKeyPem(leaf.privateKeyPem)
    expect(key.ok && new X509Certificate(leaf.certificatePem).checkPrivateKey(key.value)).toBe(true)
  }
  expect(web.privateKeyPem).not.toBe(api.privateKeyPem)
  expect(stage.changed.sort()).toEqual(['api', 'web'])
  expect([...stage.files.modes.entries()].sort()).toEqual([
    ['leaves/api.json', 0o600],
    ['leaves/web.json', 0o600],
  ])
  expect(stage.log.lines.join()).not.toContain('PRIVATE KEY')
})

test('after a restart without servers the leaves are there and serve', () => {
  const stage = new Stage()
  stage.want('web')
  stage.clock.run(10)
  const before = stage.leaf('web')
  stage.leaves.stop()
  stage.trouble = away
  stage.restart()
  expect(stage.leaf('web')).toEqual(before)
  stage.want('web')
  stage.clock.run(hour)
  expect(stage.asked).toEqual(['web'])
})

test('a leaf is renewed between 50 and 66 % of its life, with a new key and a greater generation', () => {
  const stage = new Stage()
  stage.want('web')
  stage.clock.run(10)
  const first = stage.leaf('web')
  stage.clock.run(limits.leafTtlMs * 0.49)
  expect(stage.leaf('web')).toBe(first)
  stage.clock.run(limits.leafTtlMs * 0.18)
  const second = stage.leaf('web')
  expect(second.generation).toBeGreaterThan(first.generation)
  expect(second.privateKeyPem).not.toBe(first.privateKeyPem)
  expect(second.notAfterMs).toBeGreaterThan(first.notAfterMs)
})

test('renewals of services that started together spread over the 16 % window', () => {
  const names = Array.from({ length: 100 }, (_, i) => `svc-${i}`)
  const stage = new Stage(names)
  let next = 0
  stage.random.next = () => {
    next = (next + 0.618_034) % 1
    return next
  }
  stage.want(...names)
  stage.clock.run(1_000)
  expect(stage.asked).toHaveLength(100)
  stage.clock.run(limits.leafTtlMs * 0.58)
  expect(stage.asked.length).toBeGreaterThan(130)
  expect(stage.asked.length).toBeLessThan(170)
})

test('while servers refuse or are away the old leaf serves on and is asked for in windows', () => {
  const stage = new Stage()
  stage.want('web')
  stage.clock.run(10)
  const first = stage.leaf('web')
  stage.trouble = overloaded
  stage.clock.run(limits.leafTtlMs * 0.7)
  expect(stage.leaf('web')).toBe(first)
  const before = stage.asked.length
  stage.clock.run(hour)
  // One attempt per window of 150 s, once it has grown.
  expect(stage.asked.length - before).toBeGreaterThan(15)
  expect(stage.asked.length - before).toBeLessThan(80)
  stage.trouble = undefined
  stage.clock.run(200_000)
  expect(stage.leaf('web').generation).toBeGreaterThan(first.generation)
  expect(stage.leaves.failure('web')).toBeUndefined()
})

test('a service that registers a moment later gets its first leaf soon', () => {
  const stage = new Stage([])
  stage.want('web')
  stage.clock.run(900)
  expect(stage.leaves.leaf('web')).toBeUndefined()
  expect(stage.leaves.failure('web')?.code).toBe('service-not-registered')
  stage.cluster.state.services.set('h1', [serviceNamed('web')])
  stage.clock.run(2_000)
  expect(stage.leaf('web').service).toBe('web')
})

test('what every first start waits for is no warning, and what stays in the way is one', () => {
  const stage = new Stage()
  const warnings = (): number => stage.log.lines.filter((line) => line.startsWith('warn')).length
  stage.trouble = { code: 'not-enrolled', message: 'not let in yet' }
  stage.want('web')
  stage.clock.run(10_000)
  expect(stage.asked.length).toBeGreaterThan(1)
  expect(warnings()).toBe(0)
  stage.trouble = { code: 'service-not-registered', message: 'not in the catalog yet' }
  const before = stage.asked.length
  while (stage.asked.length === before) stage.clock.run(1_000)
  stage.clock.run(10)
  expect(warnings()).toBe(0)
  stage.clock.run(300_000)
  expect(warnings()).toBe(1)
})

test('a service that the host may not be is told once, and asked for seldom', () => {
  const stage = new Stage()
  stage.trouble = { code: 'service-not-allowed', message: 'host "h1" is not enrolled for service "web"' }
  stage.want('web')
  stage.clock.run(hour)
  expect(stage.leaves.failure('web')?.code).toBe('service-not-allowed')
  expect(stage.asked.length).toBeLessThan(25)
  expect(stage.log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1)
  expect(stage.log.lines.find((line) => line.startsWith('warn'))).toContain('not enrolled for service')
})

test('one request per service is under way, whoever asks, and everybody gets its answer', () => {
  const stage = new Stage()
  stage.held = []
  stage.want('web')
  const waiting = [stage.request('web'), stage.request('web')]
  expect(stage.asked).toEqual(['web'])
  for (const answer of stage.held) answer()
  for (const { answers } of waiting) expect(answers.map(codeOf)).toEqual(['ok'])
  expect(stage.request('web').answers.map(codeOf)).toEqual(['ok'])
  expect(stage.asked).toEqual(['web'])
})

test('a host with many services asks a few at a time, the missing leaves first', () => {
  const names = Array.from({ length: 30 }, (_, i) => `svc-${i}`)
  const stage = new Stage(names)
  stage.held = []
  stage.want(...names)
  expect(stage.asked).toHaveLength(limits.leafRequestsInFlight)
  for (let i = 0; i < 30; i += 1) stage.held[i]?.()
  expect(stage.asked).toHaveLength(30)
  for (const name of names) expect(stage.leaf(name).service).toBe(name)
})

test('a request through the API that is refused says so and is not repeated behind the caller’s back', () => {
  const stage = new Stage()
  const { answers } = stage.request('unknown')
  stage.clock.run(10)
  expect(answers.map(codeOf)).toEqual(['service-not-registered'])
  stage.clock.run(24 * hour)
  expect(stage.asked).toEqual(['unknown'])
})

test('a leaf that only the API asked for is renewed while it is asked for, then dropped', () => {
  const stage = new Stage()
  stage.request('db')
  stage.clock.run(10)
  for (let i = 0; i < 8; i += 1) {
    stage.clock.run(12 * hour)
    stage.request('db')
  }
  expect(stage.asked.length).toBeGreaterThan(2)
  stage.clock.run(limits.leafTtlMs)
  expect(stage.leaves.leaf('db')).toBeUndefined()
  expect(stage.files.list('leaves')).toEqual([])
})

test('a service that is gone for a moment keeps its leaf; one that stays away loses key and file', () => {
  const stage = new Stage()
  stage.want('web', 'api')
  stage.clock.run(10)
  const { generation } = stage.leaf('web')
  stage.want()
  stage.clock.run(60_000)
  stage.want('web')
  stage.clock.run(hour)
  expect(stage.leaf('web').generation).toBe(generation)
  expect(stage.leaves.leaf('api')).toBeUndefined()
  expect(stage.files.list('leaves')).toEqual(['web.json'])
})

test('when another root becomes active every leaf is replaced within the window, and only then', () => {
  const stage = new Stage()
  const roots = () => publicRoots(stage.cluster.state, 'service')
  stage.want('web', 'api')
  stage.clock.run(10)
  stage.leaves.useRoots(roots())
  stage.clock.run(60_000)
  expect(stage.asked).toHaveLength(2)
  const { clusterKey, operatorToken } = stage.cluster
  const [, next] = makeGenesis({
    datacenter: 'dc1',
    defaultIntentionAction: 'deny',
    secrets: { clusterKey, operatorToken },
    random: stage.random,
    nowMs: stage.clock.wallMs(),
  }).roots
  if (next === undefined) throw new Error('no root')
  stage.cluster.state.caRoots = [
    ...stage.cluster.state.caRoots.map((root) => ({ ...root, active: root.plane === 'host' })),
    next,
  ]
  stage.leaves.useRoots(roots())
  stage.clock.run(31_000)
  expect(stage.asked).toHaveLength(4)
  for (const service of ['web', 'api'])
    expect(
      new X509Certificate(stage.leaf(service).certificatePem).checkIssued(
        new X509Certificate(next.certificatePem),
      ),
    ).toBe(true)
  stage.leaves.useRoots(roots())
  stage.clock.run(60_000)
  expect(stage.asked).toHaveLength(4)
})

test('leaves from before an eviction are replaced once the host is back, and no others', () => {
  const stage = new Stage()
  stage.want('web', 'api')
  stage.clock.run(10)
  const { serialNumber } = stage.leaf('web')
  const tag = hostTagOfSerial(serialNumber) ?? ''
  expect(hostTagOfSerial(stage.leaf('api').serialNumber)).toBe(tag)
  stage.leaves.useEvictions(new Set(['0'.repeat(20)]))
  stage.clock.run(10)
  expect(stage.asked).toHaveLength(2)
  stage.leaves.useEvictions(new Set([tag]))
  stage.clock.run(10)
  expect(stage.asked).toHaveLength(4)
  expect(stage.leaf('web').serialNumber).not.toBe(serialNumber)
})

test('an answer for another key or another service is not taken', () => {
  const stage = new Stage()
  const wrong: LeafCertificate[] = []
  stage.cluster.leafSigning.signLeaf(
    stage.peer,
    { service: 'api', csr: createCertificateRequest(generateKey()) },
    (answer) => {
      if (answer.ok) wrong.push(answer.value)
    },
  )
  const { files, clock, random, log, metrics } = stage
  const client = {
    signLeaf: (_request: SignLeafRequest, reply: Reply<LeafCertificate>) => {
      const [value] = wrong
      if (value !== undefined) reply({ ok: true, value })
    },
  }
  const leaves = new HostLeaves({ client, files, clock, random, log, metrics })
  leaves.want(new Set(['web']))
  expect(leaves.leaf('web')).toBeUndefined()
  expect(leaves.failure('web')?.code).toBe('internal')
  leaves.stop()
})

test('damaged files are dropped and replaced, without a word of their content', () => {
  const stage = new Stage()
  stage.want('web')
  stage.clock.run(10)
  stage.leaves.stop()
  stage.files.files.set('leaves/web.json', Buffer.from('{"service":"web","privateKeyPem":"secret-words"'))
  stage.files.files.set('leaves/..%2Fodd.json', Buffer.from('{}'))
  stage.restart()
  expect(stage.leaves.leaf('web')).toBeUndefined()
  expect(stage.files.list('leaves')).toEqual([])
  stage.want('web')
  stage.clock.run(10)
  expect(stage.leaf('web').service).toBe('web')
  expect(stage.log.lines.join()).not.toContain('secret-words')
})

test('without room on the disk a leaf still serves, and the log says so', () => {
  const stage = new Stage()
  stage.files.broken = true
  stage.want('web')
  stage.clock.run(10)
  expect(stage.leaf('web').service).toBe('web')
  expect(stage.log.lines.some((line) => line.startsWith('error'))).toBe(true)
})

test('generations never go back, not even over a restart', () => {
  const stage = new Stage()
  stage.want('web')
  stage.clock.run(10)
  const { generation } = stage.leaf('web')
  stage.leaves.stop()
  stage.restart()
  stage.want('web', 'api')
  stage.clock.run(10)
  expect(stage.leaf('api').generation).toBeGreaterThan(generation)
})
