// A mesh of proxies inside one test: real workers with real sockets and TLS, a real agent's link each, a service that
// counts. Addresses are of 127/8 with ports found free, so files can run side by side.
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningProxyLink, startProxyLink } from '../../../src/agent/link/proxy-link.ts'
import { unwrap } from '../../../src/model/errors.ts'
import type {
  Endpoint,
  InboundResource,
  OutboundResource,
  PolicyResource,
  ProxyResource,
} from '../../../src/model/proxy-config.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createListeningHandles } from '../../../src/platform/handles.ts'
import type { Log, LogFields, Metrics } from '../../../src/platform/ports.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { createSocketOwners } from '../../../src/platform/socket-owners.ts'
import { createStateFiles } from '../../../src/platform/state-files.ts'
import { listenKey } from '../../../src/proxy/holder/message.ts'
import type { HandleSource } from '../../../src/proxy/listener/listeners.ts'
import { type ProxyWorker, startWorker, type WorkerOptions } from '../../../src/proxy/worker/worker.ts'

export interface LogLine extends LogFields {
  readonly level: string
  readonly message: string
}

export interface RecordedLog extends Log {
  readonly lines: LogLine[]
  /** Refusals with this code. */
  refusals(code: string): readonly LogLine[]
}

export function recordLog(): RecordedLog {
  const lines: LogLine[] = []
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ ...fields, level, message })
    }
  const log: RecordedLog = {
    lines,
    refusals: (code) =>
      lines.filter((line) => line.message === 'connection refused' && line['code'] === code),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: () => log,
  }
  return log
}

export interface RecordedMetrics extends Metrics {
  value(name: string, labels?: Readonly<Record<string, string>>): number
}

export function recordMetrics(): RecordedMetrics {
  const values = new Map<string, number>()
  const key = (name: string, labels: Readonly<Record<string, string>> = {}): string =>
    `${name} ${JSON.stringify(Object.entries(labels).sort())}`
  return {
    count: (name, labels, by = 1) => {
      values.set(key(name, labels), (values.get(key(name, labels)) ?? 0) + by)
    },
    gauge: (name, value, labels) => {
      values.set(key(name, labels), value)
    },
    value: (name, labels) => values.get(key(name, labels)) ?? 0,
  }
}

/** Polls a condition; the error names what was waited for. */
export async function until<Value>(
  what: string,
  probe: () => Value | undefined | false,
  timeoutMs = 30_000,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`gave up waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'mesh-proxy-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

let lastPort = 0

/** A port that is free now, unlikely to be found again by another test soon. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, address, resolve)
  })
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  if (port === lastPort) return freePort(address)
  lastPort = port
  return port
}

/** In place of the holder: handles of this process, each for one server. */
export function ownHandles(): HandleSource {
  const handles = createListeningHandles()
  return {
    request(request, answer) {
      const failures: { key: string; reason: string }[] = []
      let left = request.missing.length
      if (left === 0) answer.onDone([])
      for (const key of request.missing) {
        const at = request.wanted.find((address) => listenKey(address) === key)
        if (at === undefined) throw new Error(`${key} is not wanted`)
        handles.open(at, (handle, reason) => {
          if (handle === undefined) failures.push({ key, reason })
          else answer.onHandle(key, handle.native)
          left -= 1
          if (left === 0) answer.onDone(failures)
        })
      }
    },
  }
}

export interface LabHost {
  readonly log: RecordedLog
  readonly link: RunningProxyLink
  readonly metrics: RecordedMetrics
  readonly worker: ProxyWorker
  /** Where the worker keeps its last good state. */
  readonly state: string
  /** Publishes and waits until the worker has it in force; returns its status then. */
  publish(resources: readonly ProxyResource[]): Promise<ReturnType<RunningProxyLink['proxies']>[number]>
  stop(): Promise<void>
}

let hosts = 0

/** An agent's link and a worker connected to it. */
export async function startHost(
  folder: string,
  options: Partial<
    Pick<WorkerOptions, 'clock' | 'maxConnections' | 'handles' | 'owners' | 'accessFile'>
  > = {},
): Promise<LabHost> {
  hosts += 1
  const log = recordLog()
  const metrics = recordMetrics()
  const socketPath = join(folder, `link-${hosts}.sock`)
  const state = join(folder, `state-${hosts}`)
  const link = unwrap(await startProxyLink({ socketPath, mode: 0o600, clock: systemClock, log, metrics }))
  const worker = startWorker({
    clock: systemClock,
    random: systemRandom,
    log,
    files: createStateFiles(state),
    handles: ownHandles(),
    owners: createSocketOwners(),
    linkSocketPath: socketPath,
    pid: process.pid,
    version: 'test',
    ...options,
  })
  let published = 0
  return {
    log,
    link,
    metrics,
    worker,
    state,
    async publish(resources) {
      published += 1
      link.publish(resources)
      return until(`configuration ${published} in force`, () => {
        const [proxy] = link.proxies()
        const refused = log.lines.some(
          (line) => line['version'] === published && line.message.startsWith('a proxy refused'),
        )
        return proxy?.acknowledged === published || refused ? proxy : undefined
      })
    },
    async stop() {
      await new Promise<void>((resolve) => {
        worker.stop(0, resolve)
      })
      await link.close()
    },
  }
}

export function policy(
  name: string,
  action: 'allow' | 'deny',
  rules: PolicyResource['rules'] = [],
  index = 1,
): PolicyResource {
  return { kind: 'policy', name, index, defaultAction: action, rules }
}

export function inbound(
  service: string,
  bindPort: number,
  localPort: number,
  more: Partial<InboundResource> = {},
): InboundResource {
  return {
    kind: 'inbound',
    name: `${service}-sidecar-proxy`,
    service,
    bindAddress: '127.0.0.1',
    bindPort,
    localAddress: '127.0.0.1',
    localPort,
    localSocketPath: '',
    localConnectTimeoutMs: 2_000,
    ...more,
  }
}

export function outbound(
  service: string,
  target: string,
  bindPort: number,
  more: Partial<OutboundResource> = {},
): OutboundResource {
  return {
    kind: 'outbound',
    name: `${service}-sidecar-proxy/${target}`,
    service,
    target,
    bindAddress: '127.0.0.1',
    bindPort,
    bindSocketPath: '',
    bindSocketMode: '',
    connectTimeoutMs: 4_000,
    ...more,
  }
}

export function endpoint(id: string, port: number, more: Partial<Endpoint> = {}): Endpoint {
  return { id, node: 'beta', address: '127.0.0.1', port, health: 'passing', weight: 1, ...more }
}

export function endpoints(service: string, instances: readonly Endpoint[]): ProxyResource {
  return { kind: 'endpoints', name: service, service, datacenter: 'dc1', instances }
}

export interface CountingService {
  readonly port: number
  readonly sockets: Set<net.Socket>
  /** Connections and bytes that ever arrived. */
  connections: number
  bytes: number
  close(): Promise<void>
}

/** A TCP service; by default it sends back what it gets. */
export async function startService(serve?: (socket: net.Socket) => void): Promise<CountingService> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    service.connections += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      service.bytes += bytes.length
    })
    if (serve === undefined) socket.pipe(socket)
    else serve(socket)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const service: CountingService = {
    port: (server.address() as net.AddressInfo).port,
    sockets,
    connections: 0,
    bytes: 0,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
  return service
}

/** Sends `text` and half-closes; what came back until the end, or the error code. */
export function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const parts: Buffer[] = []
    socket.on('data', (bytes: Buffer) => parts.push(bytes))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('end', () => {
      socket.destroy()
      resolve(Buffer.concat(parts).toString())
    })
    socket.end(text)
  })
}
