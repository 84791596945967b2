/**
 * A service's sidecar: what `sidecar_service { }` stands for, and how it gets its port and its default checks.
 * Source of the defaults: Consul's documentation of sidecar services, gathered in reference/consul.md, section 2.3.
 */
import type { CheckDefinition, Probe } from '../model/check.ts'
import { limits } from '../model/limits.ts'
import { type Service, type SidecarDefinition, sidecarIdOf, sidecarNameOf } from '../model/service.ts'
import type { Place } from '../wire/hcl/tree.ts'
import { joinHostPort, loopback } from './address.ts'
import { type CheckDraft, serviceCheckOwner } from './check.ts'
import type { ExposeDraft } from './expose.ts'
import { buildChecks, checkInstance, instanceOf } from './instance.ts'
import { buildProxy, type UpstreamDraft } from './proxy.ts'
import type { Reading } from './reading.ts'
import type { SidecarKeys } from './service-schema.ts'

export interface SidecarDraft {
  readonly definition: SidecarDefinition
  readonly checks: readonly CheckDraft[]
  readonly upstreams: readonly UpstreamDraft[]
  readonly exposed: readonly ExposeDraft[]
}

export function buildSidecar(
  { keys, at }: { readonly keys: SidecarKeys; readonly at: Place },
  parent: Service,
  reading: Reading,
): SidecarDraft {
  checkInstance(keys, reading)
  const proxy = buildProxy(keys.proxy?.value ?? {}, parent, reading)
  checkDestination(keys, parent, reading)
  const own = instanceOf(keys)
  const service: Service = {
    kind: 'connect-proxy',
    id: sidecarIdOf(parent.id),
    name: keys.name?.value ?? sidecarNameOf(parent.name),
    ...own,
    address: keys.address === undefined ? parent.address : own.address,
    tags: keys.tags === undefined ? parent.tags : own.tags,
    meta: keys.meta === undefined ? parent.meta : own.meta,
    connectNative: false,
    proxy: proxy.settings,
  }
  const written = buildChecks(keys, service, reading)
  const isOwn = keys.check !== undefined || keys.checks !== undefined
  const checks = isOwn ? written.map((check) => check.definition) : defaultChecks(service, parent)
  return {
    definition: { service, checks },
    checks: isOwn
      ? written
      : checks.map((definition) => ({ definition, at, serviceAt: at, scriptAt: undefined })),
    upstreams: proxy.upstreams,
    exposed: proxy.exposed,
  }
}

/** A sidecar stands for the service that it is written in. */
function checkDestination(keys: SidecarKeys, parent: Service, reading: Reading): void {
  const proxy = keys.proxy?.value
  const wanted = [
    ['destination_service_name', proxy?.destination_service_name, parent.name],
    ['destination_service_id', proxy?.destination_service_id, parent.id],
  ] as const
  for (const [name, found, own] of wanted)
    if (found?.value !== undefined && found.value !== own)
      reading.report(found.at, {
        what: `\`${name}\` is "${found.value}"`,
        why: `the sidecar stands for the service it is written in, "${own}"`,
        remedy: 'remove the key',
      })
}

const checkIntervalMs = 10_000

/** The sidecar accepts connections, and its service is healthy. A port that is not known yet is written as 0. */
function defaultChecks(sidecar: Service, parent: Service): readonly CheckDefinition[] {
  const host = sidecar.address || sidecar.proxy?.localServiceAddress || loopback
  const listening = {
    name: 'Connect Sidecar Listening',
    intervalMs: checkIntervalMs,
    probe: { type: 'tcp', address: joinHostPort(host, sidecar.port), useTls: false },
  } as const
  const aliasing = {
    name: `Connect Sidecar Aliasing ${parent.id}`,
    intervalMs: 0,
    probe: { type: 'alias', node: '', serviceId: parent.id },
  } as const
  const all = sidecar.socketPath === '' ? [listening, aliasing] : [aliasing]
  return all.map(({ name, intervalMs, probe }, index) => ({
    checkId: serviceCheckOwner(sidecar, index + 1, all.length).checkId,
    name,
    notes: '',
    serviceId: sidecar.id,
    initialStatus: 'critical',
    intervalMs,
    timeoutMs: intervalMs,
    successBeforePassing: 0,
    failuresBeforeWarning: 0,
    failuresBeforeCritical: 0,
    deregisterCriticalServiceAfterMs: 0,
    outputMaxBytes: limits.checkOutputBytes,
    probe,
  }))
}

/** The sidecar on the port that was found for it; its default check follows. */
export function withSidecarPort(sidecar: SidecarDefinition, port: number): SidecarDefinition {
  const placed = (probe: Probe): Probe =>
    probe.type === 'tcp' && probe.address.endsWith(':0')
      ? { ...probe, address: `${probe.address.slice(0, -1)}${port}` }
      : probe
  return {
    service: { ...sidecar.service, port },
    checks: sidecar.checks.map((check) => ({ ...check, probe: placed(check.probe) })),
  }
}
