/**
 * From the keys of a service to its definition: defaults, checks, and its sidecar where it wants one.
 * Source of the rules: Consul's documentation of service definitions, gathered in reference/consul.md, section 2.3.
 */
import type { Service, ServiceDefinition } from '../model/service.ts'
import type { Place } from '../wire/hcl/tree.ts'
import type { CheckDraft } from './check.ts'
import type { ExposeDraft } from './expose.ts'
import { buildChecks, checkInstance, instanceOf } from './instance.ts'
import { buildProxy, type ProxyDraft, type UpstreamDraft } from './proxy.ts'
import type { Reader, Reading } from './reading.ts'
import { written } from './schema.ts'
import { type ServiceKeys, serviceSchema, type WrittenService } from './service-schema.ts'
import { buildSidecar } from './sidecar.ts'

/** A service with the places that later rules may have to name. */
export interface ServiceDraft {
  readonly definition: ServiceDefinition
  readonly idAt: Place
  readonly portAt: Place
  readonly sidecarPortAt: Place
  readonly checks: readonly CheckDraft[]
  readonly upstreams: readonly UpstreamDraft[]
  readonly exposed: readonly ExposeDraft[]
}

/** Undefined where the service has no usable name; that has been reported. */
export const readService: Reader<ServiceDraft> = (slot, reading) => {
  const service = written(serviceSchema)(slot, reading)
  return service && buildService(service, reading)
}

function buildService(whole: WrittenService, reading: Reading): ServiceDraft | undefined {
  const { keys, at, isWhole } = whole
  const name = keys.name?.value
  if (keys.name === undefined && isWhole)
    reading.report(
      at,
      {
        what: 'the service has no name',
        why: 'other services find it by its name',
        remedy: `add \`${reading.assignment('name', '"web"')}\``,
      },
      'Missing service name',
    )
  if (name === undefined) return undefined
  const id = keys.id?.value ?? name
  checkInstance(keys, reading)
  const proxy = keys.kind?.value === 'connect-proxy' ? buildOwnProxy(whole, reading) : undefined
  if (proxy === undefined) checkPlainService(keys, reading)
  const service: Service = {
    kind: proxy === undefined ? '' : 'connect-proxy',
    id,
    name,
    ...instanceOf(keys),
    connectNative: keys.connect?.value?.native?.value ?? false,
    ...(proxy && { proxy: proxy.settings }),
  }
  const checks = buildChecks(keys, service, reading)
  const sidecarKeys = keys.connect?.value?.sidecar_service
  const sidecar =
    sidecarKeys?.value === undefined || proxy !== undefined
      ? undefined
      : buildSidecar({ keys: sidecarKeys.value, at: sidecarKeys.keyAt }, service, reading)
  return {
    definition: {
      service,
      checks: checks.map((check) => check.definition),
      ...(sidecar && { sidecar: sidecar.definition }),
    },
    idAt: keys.id?.at ?? keys.name?.at ?? at,
    portAt: keys.port?.at ?? at,
    sidecarPortAt: sidecarKeys?.value?.port?.at ?? sidecarKeys?.keyAt ?? at,
    checks: [...checks, ...(sidecar?.checks ?? [])],
    upstreams: [...(proxy?.upstreams ?? []), ...(sidecar?.upstreams ?? [])],
    exposed: [...(proxy?.exposed ?? []), ...(sidecar?.exposed ?? [])],
  }
}

/** The proxy of a service that was registered as one, instead of by `sidecar_service`. */
function buildOwnProxy({ keys, at, isWhole }: WrittenService, reading: Reading): ProxyDraft {
  if (keys.connect !== undefined)
    reading.report(keys.connect.keyAt, {
      what: 'a service of the kind "connect-proxy" has a `connect` block',
      why: 'it is a proxy itself and needs none',
      remedy: 'remove the block',
    })
  if (keys.port === undefined && keys.socket_path === undefined && isWhole)
    reading.report(at, {
      what: 'the proxy has no port',
      why: 'other proxies connect to it',
      remedy: `add \`${reading.assignment('port', '21000')}\``,
    })
  const proxy = keys.proxy?.value ?? {}
  const isUnread = keys.proxy !== undefined && keys.proxy.value === undefined
  if (proxy.destination_service_name === undefined && !isUnread && isWhole)
    reading.report(keys.proxy?.keyAt ?? at, {
      what: 'the proxy does not say which service it stands for',
      why: '`destination_service_name` is missing in its `proxy` block',
      remedy: `add \`${reading.assignment('destination_service_name', '"web"')}\` there`,
    })
  return buildProxy(proxy, { name: '', id: '', port: 0, socketPath: '' }, reading)
}

function checkPlainService(keys: ServiceKeys, reading: Reading): void {
  const connect = keys.connect?.value
  const isEmptyProxy = reading.fromProgram && Object.keys(keys.proxy?.value ?? {}).length === 0
  if (keys.proxy !== undefined && !isEmptyProxy)
    reading.report(keys.proxy.keyAt, {
      what: '`proxy` stands in a service that is no proxy',
      why: 'it belongs in `connect { sidecar_service { … } }`, or in a service with kind = "connect-proxy"',
      remedy: 'move it there',
    })
  if (connect?.native?.value === true && connect.sidecar_service !== undefined)
    reading.report(connect.native.keyAt, {
      what: 'the service has both `native` and `sidecar_service`',
      why: 'either it speaks the mesh’s mTLS itself or a sidecar does it for it',
      remedy: 'remove one of them',
    })
}
