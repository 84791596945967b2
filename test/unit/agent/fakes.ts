// Small stand-ins that the agent's tests share: state files in memory, a log and metrics that can be read, rows to register.
import type { CheckDefinition, Probe } from '../../../src/model/check.ts'
import type { Service, ServiceDefinition } from '../../../src/model/service.ts'
import { sidecarIdOf, sidecarNameOf } from '../../../src/model/service.ts'
import type { Upstream } from '../../../src/model/upstream.ts'
import type { DiskError, Log, LogFields, Metrics, StateFiles } from '../../../src/platform/ports.ts'

/** Keeps files as a disk would, across "restarts" of what uses them. */
export class MemoryStateFiles implements StateFiles {
  readonly files = new Map<string, Uint8Array>()
  readonly written: string[] = []
  failure: DiskError | undefined

  list(directory: string): readonly string[] {
    const below = `${directory}/`
    return [...this.files.keys()]
      .filter((path) => path.startsWith(below))
      .map((path) => path.slice(below.length))
      .sort()
  }

  read(path: string): Uint8Array | undefined {
    return this.files.get(path)
  }

  write(path: string, data: Uint8Array): DiskError | undefined {
    if (this.failure !== undefined) return this.failure
    this.files.set(path, Uint8Array.from(data))
    this.written.push(path)
    return undefined
  }

  remove(path: string): DiskError | undefined {
    if (this.failure !== undefined) return this.failure
    this.files.delete(path)
    return undefined
  }

  text(path: string): string {
    return new TextDecoder().decode(this.files.get(path))
  }
}

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

export class RecordingLog implements Log {
  readonly lines: LoggedLine[] = []

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields })
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields })
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields })
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields })
  }

  with(): Log {
    return this
  }

  /** Lines at `level`, as `message {fields}`. */
  at(level: LoggedLine['level']): readonly string[] {
    return this.lines
      .filter((line) => line.level === level)
      .map((line) => `${line.message} ${JSON.stringify(line.fields)}`)
  }
}

export class RecordingMetrics implements Metrics {
  readonly counts = new Map<string, number>()
  readonly gauges = new Map<string, number>()

  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = keyOf(name, labels)
    this.counts.set(key, (this.counts.get(key) ?? 0) + by)
  }

  gauge(name: string, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.gauges.set(keyOf(name, labels), value)
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? name : `${name}{${pairs.sort().join(',')}}`
}

export function serviceOf(name: string, more: Partial<Service> = {}): Service {
  return {
    kind: '',
    id: name,
    name,
    tags: [],
    meta: {},
    address: '',
    port: 8080,
    socketPath: '',
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    connectNative: false,
    ...more,
  }
}

export function checkOf(checkId: string, more: Partial<CheckDefinition> = {}): CheckDefinition {
  const probe: Probe = { type: 'tcp', address: '127.0.0.1:8080', useTls: false }
  return {
    checkId,
    name: checkId,
    notes: '',
    serviceId: '',
    initialStatus: 'critical',
    intervalMs: 10_000,
    timeoutMs: 5_000,
    successBeforePassing: 0,
    failuresBeforeWarning: 0,
    failuresBeforeCritical: 0,
    deregisterCriticalServiceAfterMs: 0,
    outputMaxBytes: 4_096,
    probe,
    ...more,
  }
}

export const ttlProbe = (ttlMs: number): Probe => ({ type: 'ttl', ttlMs })
export const aliasProbe = (serviceId: string, node = ''): Probe => ({ type: 'alias', node, serviceId })

export function upstreamOf(destinationName: string, more: Partial<Upstream> = {}): Upstream {
  return {
    destinationName,
    datacenter: '',
    localBindAddress: '127.0.0.1',
    localBindPort: 9191,
    localBindSocketPath: '',
    localBindSocketMode: '',
    connectTimeoutMs: 5_000,
    config: {},
    ...more,
  }
}

/** A definition as config/ makes it: check ids filled, the sidecar (where wanted) with Consul's two default checks. */
export function definitionOf(
  name: string,
  more: {
    readonly service?: Partial<Service>
    readonly checks?: readonly CheckDefinition[]
    readonly sidecar?: { readonly upstreams?: readonly Upstream[]; readonly service?: Partial<Service> }
  } = {},
): ServiceDefinition {
  const service = serviceOf(name, more.service)
  const checks = (more.checks ?? []).map((check) => ({ ...check, serviceId: service.id }))
  if (more.sidecar === undefined) return { service, checks }
  return { service, checks, sidecar: sidecarOf(service, more.sidecar) }
}

function sidecarOf(
  parent: Service,
  more: { readonly upstreams?: readonly Upstream[]; readonly service?: Partial<Service> },
): NonNullable<ServiceDefinition['sidecar']> {
  const id = sidecarIdOf(parent.id)
  const service: Service = {
    ...parent,
    kind: 'connect-proxy',
    id,
    name: sidecarNameOf(parent.name),
    port: 0,
    proxy: {
      destinationServiceName: parent.name,
      destinationServiceId: parent.id,
      localServiceAddress: '127.0.0.1',
      localServicePort: parent.port,
      localServiceSocketPath: '',
      mode: '',
      config: {},
      upstreams: more.upstreams ?? [],
      expose: { checks: false, paths: [] },
    },
    ...more.service,
  }
  const listening = checkOf(`service:${id}:1`, {
    name: 'Connect Sidecar Listening',
    serviceId: id,
    probe: { type: 'tcp', address: `127.0.0.1:${service.port}`, useTls: false },
  })
  const aliasing = checkOf(`service:${id}:2`, {
    name: `Connect Sidecar Aliasing ${parent.id}`,
    serviceId: id,
    intervalMs: 0,
    probe: aliasProbe(parent.id),
  })
  return { service, checks: [listening, aliasing] }
}
