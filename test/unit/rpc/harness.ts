/** A server on loopback with real TLS and a cluster's trust behind it, and clients as agents have them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../../../src/model/command.ts'
import { failed, ok, type Result } from '../../../src/model/errors.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import type { ClientIdentity } from '../../../src/rpc/channel-credentials.ts'
import type {
  AgentFrame,
  FrameStream,
  HostCertificate,
  Peer,
  ServerApi,
  ServerFrame,
} from '../../../src/rpc/contract.ts'
import { createGrpcClient, type GrpcClient } from '../../../src/rpc/grpc-client.ts'
import { type Listener, listenTls, type TlsListener } from '../../../src/rpc/listener.ts'
import { createTrust } from '../../../src/wire/x509/chain.ts'
import { generateKey, privateKeyPem, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { type Cluster, makeCluster } from '../ca/cluster.ts'
import { TestRandom } from '../ca/ports.ts'

export const hold = 3_000

/** Polls until `condition` holds; fails the test after `limitMs`. */
export async function until(condition: () => boolean, what: string, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export type Control = FrameStream<ServerFrame, AgentFrame>

export class TestServer {
  readonly cluster: Cluster
  readonly written: Command[] = []
  readonly controls: { readonly peer: Peer; readonly stream: Control }[] = []
  /** Reads that wait, with what answers them. */
  readonly reads: { readonly answer: (index: number) => void; cancelled: boolean }[] = []
  /** Writes are swallowed instead of answered. */
  silent = false
  listener: TlsListener | undefined
  port = 0

  constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  readonly api: ServerApi = {
    enroll: (peer, request, reply) => this.cluster.hosts.enroll(peer, request, reply),
    renewHost: (peer, request, reply) => this.cluster.hosts.renewHost(peer, request, reply),
    enrollServer: (_peer, _request, reply) => reply(failed('no-leader', 'this server admits nobody')),
    federate: (_peer, _request, reply) => reply(failed('no-leader', 'this server joins nobody')),
    signLeaf: (peer, request, reply) => this.cluster.leafSigning.signLeaf(peer, request, reply),
    write: (peer, request, reply) => {
      const principal = this.cluster.access.identify(peer, request.token)
      if (!principal.ok) return reply(principal)
      this.written.push(request.command)
      if (!this.silent) reply(ok({ ok: true, index: this.written.length, value: { kind: 'done' } }))
    },
    read: (peer, request, reply) => {
      const principal = this.cluster.access.identify(peer, request.token)
      if (!principal.ok) {
        reply(principal)
        return { cancel: () => undefined }
      }
      const answer = (index: number): void => {
        const meta = { index, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const
        reply({ ok: true, value: { meta, answer: `leader of ${request.name}` } } as never)
      }
      const read = { answer, cancelled: false }
      this.reads.push(read)
      if (request.options.minIndex === 0) answer(1)
      return {
        cancel: () => {
          read.cancelled = true
        },
      }
    },
    control: (peer, stream) => {
      const principal = this.cluster.access.identify(peer, '')
      if (principal.ok) this.controls.push({ peer, stream })
      else stream.destroy(principal.failure)
    },
  }

  serverIdentity() {
    const key = generateKey()
    const names = { node: 's1', dnsNames: [], ipAddresses: ['127.0.0.1'] }
    const signed = this.cluster.authority.signServer(names, publicKeyInfo(key))
    if (!signed.ok) throw new Error(signed.failure.message)
    return { certificatePem: signed.value.chainPem, privateKeyPem: privateKeyPem(key) }
  }

  async listen(port = this.port): Promise<void> {
    const { access, log, metrics } = this.cluster
    const audienceOf = (peer: Peer) => (access.identify(peer, '').ok ? 'members' : 'strangers')
    const tls = { host: '127.0.0.1', port, identity: this.serverIdentity(), audienceOf } as const
    const result = await new Promise<Result<TlsListener>>((done) =>
      listenTls({ api: this.api, clock: systemClock, log, metrics, ...tls }, done),
    )
    if (!result.ok) throw new Error(result.failure.message)
    this.listener = result.value
    this.port = result.value.port
  }

  async close(): Promise<void> {
    await closeListener(this.listener)
    this.listener = undefined
  }
}

export async function closeListener(listener: Listener | undefined): Promise<void> {
  if (listener !== undefined) await new Promise<void>((done) => listener.close(done))
}

export interface TestHost {
  readonly identity: Extract<ClientIdentity, { readonly kind: 'host' }>
  readonly key: ReturnType<typeof generateKey>
}

/** Enrolls without a network. */
export function enrolledHost(cluster: Cluster, node = 'h1'): TestHost {
  const key = generateKey()
  let answer: Result<HostCertificate> | undefined
  const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
  const request = { secret: cluster.makeToken().secret, node, nodeId, csr: createCertificateRequest(key) }
  cluster.hosts.enroll({ certificates: [], address: '' }, request, (result) => {
    answer = result
  })
  if (answer?.ok !== true) throw new Error('not enrolled')
  return { identity: hostIdentity(answer.value, key), key }
}

export function hostIdentity(
  answer: HostCertificate,
  key: ReturnType<typeof generateKey>,
): TestHost['identity'] {
  const trust = createTrust(
    answer.hostRoots.map((root) => ({ trustDomain: root.trustDomain, pem: root.certificatePem })),
  )
  if (!trust.ok) throw new Error(trust.failure.message)
  const tls = { certificatePem: answer.certificatePem, privateKeyPem: privateKeyPem(key) }
  return { kind: 'host', tls, trust: trust.value, datacenter: answer.datacenter }
}

/** Servers, clients and folders of one test file, all closed at its end. */
export class Stage {
  readonly #closing: (() => Promise<void> | void)[] = []

  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'mesh-rpc-'))
    this.#closing.push(() => rmSync(path, { recursive: true, force: true }))
    return path
  }

  async server(clock: Clock = systemClock): Promise<TestServer> {
    const server = new TestServer(makeCluster({ clock }))
    await server.listen()
    this.#closing.push(() => server.close())
    return server
  }

  client(
    servers: readonly string[],
    identity: () => ClientIdentity,
    more: { readonly holdTimeoutMs?: number; readonly cluster?: Cluster; readonly clock?: Clock } = {},
  ): GrpcClient {
    const { cluster } = more
    const client = createGrpcClient({
      servers: () => servers,
      identity,
      clock: more.clock ?? systemClock,
      random: new TestRandom(),
      log: cluster?.log ?? silentLog,
      metrics: cluster?.metrics ?? silentMetrics,
      holdTimeoutMs: more.holdTimeoutMs ?? hold,
    })
    this.#closing.push(() => client.close())
    return client
  }

  later(close: () => Promise<void> | void): void {
    this.#closing.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close()
  }
}

const nothing = (): void => undefined
const silentLog = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => silentLog }
const silentMetrics = { count: nothing, gauge: nothing }

/** A callback's answer as a promise. */
export function answerOf<Value>(
  call: (reply: (result: Result<Value>) => void) => void,
): Promise<Result<Value>> {
  return new Promise((resolve) => call(resolve))
}

export const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)

export const readLeader = (minIndex = 0) =>
  ({
    name: 'status.leader',
    args: {},
    options: { consistency: 'default', minIndex, waitMs: minIndex === 0 ? 0 : 60_000 },
    token: '',
  }) as const

export const deregister = (node: string): Command => ({ type: 'catalog.deregister', node })
