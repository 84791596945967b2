// Starts the real API server on port 0 and a unix socket over an agent in memory, and asks it over real connections.
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiDependencies } from '../../../src/agent/api/contract.ts'
import { type ApiServer, createApi } from '../../../src/agent/api/create.ts'
import type { Membership, Standing, UserEvents } from '../../../src/agent/contract.ts'
import type { Question } from '../../../src/agent/query/answer-memory.ts'
import { dnsDefaults } from '../../../src/config/dns-settings.ts'
import { gossipDefaults } from '../../../src/config/gossip-settings.ts'
import type { Settings } from '../../../src/config/settings.ts'
import { wanDefaults } from '../../../src/config/wan-settings.ts'
import { autopilotDefaults } from '../../../src/model/autopilot.ts'
import { failed, ok, type Result } from '../../../src/model/errors.ts'
import type { QueryName, ReadAnswer } from '../../../src/model/query.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createDiagnostics } from '../../../src/platform/diagnostics.ts'
import { createLog, type ProgramLog } from '../../../src/platform/log.ts'
import { createMetrics, type ProgramMetrics } from '../../../src/platform/metrics.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { FakeDrains, FakeLeaves, FakeRegistry, FakeViews } from './fake-agent.ts'
import { FakeCluster } from './fake-cluster.ts'

export const localToken = 'local-token-of-the-tests-0123456789abcdef'

export const testSettings: Settings = {
  datacenter: 'dc1',
  nodeName: 'host-1',
  nodeId: '00000001-0000-4000-8000-000000000000',
  dataDirectory: '/var/lib/mesh-agent',
  runtimeDirectory: '/run/mesh-agent',
  server: false,
  bindAddress: '0.0.0.0',
  advertiseAddress: '10.0.0.1',
  clientAddresses: ['127.0.0.1'],
  dnsAddresses: ['127.0.0.1'],
  dnsDomains: ['mesh', 'consul'],
  dns: dnsDefaults,
  gossip: { ...gossipDefaults, bindAddress: '127.0.0.1', advertiseAddress: '127.0.0.1' },
  wan: { ...wanDefaults, bindAddress: '127.0.0.1', advertiseAddress: '127.0.0.1' },
  ports: {
    http: 8500,
    dns: 8600,
    server: 8300,
    sidecarMin: 21_000,
    sidecarMax: 21_255,
    exposeMin: 21_500,
    exposeMax: 21_755,
  },
  servers: ['10.0.0.1:8300'],
  enrollmentTokenFile: '',
  unixSockets: { group: '', mode: '0660' },
  log: { level: 'info', json: false },
  nodeMeta: { rack: 'r1' },
  defaultIntentionAction: 'deny',
  enableScriptChecks: false,
  enableLocalScriptChecks: false,
  checkUpdateIntervalMs: 300_000,
  discardCheckOutput: false,
  leaveOnTerminate: false,
  httpMaxConnectionsPerClient: 200,
  proxy: { isolation: 'host', accessLogPath: '' },
  leafTtlMs: 72 * 3_600_000,
  rpcHoldTimeoutMs: 7_000,
  autopilot: autopilotDefaults,
  bootstrapExpect: 0,
  hostCertificateTtlMs: 30 * 24 * 3_600_000,
  bootstrapEntries: [],
}

export interface TestApi {
  readonly cluster: FakeCluster
  readonly registry: FakeRegistry
  readonly leaves: FakeLeaves
  readonly views: FakeViews
  readonly server: ApiServer
  readonly url: string
  readonly port: number
  readonly socketPath: string
  readonly folder: string
  readonly counts: Map<string, number>
  /** What the agent keeps of answers, by the name of the query, and what it was asked to keep fresh. */
  readonly kept: Map<QueryName, ReadAnswer<QueryName>>
  readonly followed: Question<QueryName>[]
  /** What `/v1/agent/monitor` and `/v1/agent/metrics` show; nothing else writes to them. */
  readonly ownLog: ProgramLog
  readonly ownMetrics: ProgramMetrics
  readonly lines: { readonly message: string; readonly fields: unknown }[]
  reloads: number
  reloadResult: Result<true>
  ask(method: string, path: string, options?: AskOptions): Promise<Reply>
  close(): Promise<void>
}

export interface AskOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly socket?: boolean
  readonly signal?: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  readonly json: unknown
}

/** As on a host where gossip is switched off. */
export const noGossip: Membership = {
  pool: () => failed('needs-gossip', 'this host does not gossip'),
  onEvent: () => undefined,
  setRoleTags: () => ok(true),
}

/** As on a host that is enrolled and whose proxy is away. */
export const noStanding: Standing = {
  enrolledUntilMs: () => Date.UTC(2027, 0, 1),
  refusal: () => undefined,
  server: () => undefined,
  outage: () => undefined,
  proxies: () => [],
  leafFailure: () => undefined,
  failedHosts: () => new Set(),
}

const noEvents: UserEvents = {
  fire: () => failed('needs-gossip', 'this host does not gossip'),
  recent: () => [],
  onChange: () => undefined,
}

export async function startTestApi(
  settings: Partial<Settings> = {},
  /** Rooms that a test has itself. */
  own: Partial<ApiDependencies> = {},
): Promise<TestApi> {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-api-'))
  const socketPath = join(folder, 'api.sock')
  const cluster = new FakeCluster()
  const registry = new FakeRegistry(cluster, 'host-1')
  const leaves = new FakeLeaves()
  const drains = new FakeDrains(registry)
  const views = new FakeViews()
  const counts = new Map<string, number>()
  const lines: { message: string; fields: unknown }[] = []
  const logLine = (message: string, fields?: unknown): void => void lines.push({ message, fields })
  const ownLog = createLog({ level: 'info', json: true, write: () => undefined })
  const ownMetrics = createMetrics({ process: true, nowMs: () => 1_700_000_000_000 })
  const log = { debug: logLine, info: logLine, warn: logLine, error: logLine, with: () => log }
  const kept: TestApi['kept'] = new Map()
  const followed: TestApi['followed'] = []
  const state = { reloads: 0, reloadResult: ok(true as const) as Result<true> }
  const server = createApi({
    settings: { ...testSettings, ...settings },
    version: '0.1.0',
    nodeId: testSettings.nodeId,
    registry,
    drains,
    leave: (done) => {
      drains.begin('', { timeoutMs: 1, reason: 'leaving' })
      done()
    },
    membership: noGossip,
    userEvents: noEvents,
    leaves,
    standing: noStanding,
    views,
    read: cluster.read,
    recall: (question) => kept.get(question.name) as never,
    follow: (question) => void followed.push(question),
    write: cluster.write,
    operate: cluster.operate,
    reload: (done) => {
      state.reloads += 1
      done(state.reloadResult)
    },
    localToken,
    metricsPage: ownMetrics,
    logLines: ownLog,
    diagnostics: createDiagnostics(),
    metrics: {
      count: (name, labels = {}, by = 1) => {
        const key = [name, ...Object.values(labels)].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + by)
      },
      gauge: () => undefined,
    },
    log,
    clock: systemClock,
    random: systemRandom,
    ...own,
  })
  await server.listen([
    { kind: 'tcp', address: '127.0.0.1', port: 0 },
    { kind: 'unix', path: socketPath, mode: 0o660 },
  ])
  const port = Number(server.addresses()[0]?.split(':')[1])
  const agent = new Agent({ keepAlive: true })
  return Object.assign(state, {
    cluster,
    registry,
    leaves,
    views,
    server,
    url: `http://127.0.0.1:${port}`,
    port,
    socketPath,
    folder,
    counts,
    kept,
    followed,
    ownLog,
    ownMetrics,
    lines,
    ask: (method: string, path: string, options: AskOptions = {}) =>
      ask({ agent, port, socketPath }, `${method} ${path}`, options),
    close: async () => {
      agent.destroy()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

function ask(
  to: { readonly agent: Agent; readonly port: number; readonly socketPath: string },
  line: string,
  options: AskOptions,
): Promise<Reply> {
  const [method = '', path = ''] = line.split(' ')
  const body =
    options.body === undefined
      ? undefined
      : typeof options.body === 'string'
        ? options.body
        : JSON.stringify(options.body)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        method,
        path,
        ...(options.socket === true
          ? { socketPath: to.socketPath }
          : { host: '127.0.0.1', port: to.port, agent: to.agent }),
        headers: {
          ...options.headers,
          ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
        },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(pieces)
          const text = bytes.toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes,
            text,
            get json() {
              return JSON.parse(text) as unknown
            },
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

export const withLocal = { headers: { 'X-Consul-Token': localToken } } as const

/** Polls until `condition` holds; fails after `withinMs`. */
export async function until(condition: () => boolean, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
