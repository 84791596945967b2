/**
 * What a service and a sidecar have in common: address, tags, labels, weights and checks, with Consul's defaults.
 * What only one of them has is told in service.ts and sidecar.ts.
 */
import { limits } from '../model/limits.ts'
import type { Service } from '../model/service.ts'
import { buildCheck, type CheckDraft, serviceCheckOwner } from './check.ts'
import type { Reading } from './reading.ts'
import type { ServiceKeys, SidecarKeys } from './service-schema.ts'

type InstanceKeys = ServiceKeys | SidecarKeys

/** The keys that services and sidecars share, with Consul's defaults. */
export function instanceOf(
  keys: InstanceKeys,
): Omit<Service, 'kind' | 'id' | 'name' | 'proxy' | 'connectNative'> {
  return {
    tags: keys.tags?.value ?? [],
    meta: keys.meta?.value ?? {},
    address: keys.address?.value ?? '',
    port: keys.port?.value ?? 0,
    socketPath: keys.socket_path?.value ?? '',
    taggedAddresses: keys.tagged_addresses?.value ?? {},
    weights: {
      passing: keys.weights?.value?.passing?.value ?? 1,
      warning: keys.weights?.value?.warning?.value ?? 1,
    },
    enableTagOverride: keys.enable_tag_override?.value ?? false,
  }
}

export function checkInstance(keys: InstanceKeys, reading: Reading): void {
  const { port, socket_path: socket, tags } = keys
  if (port !== undefined && socket !== undefined)
    reading.report(socket.keyAt, {
      what: 'the service has both `port` and `socket_path`',
      why: 'it is reached in one way',
      remedy: 'remove one of them',
    })
  if (tags?.value !== undefined && tags.value.length > limits.tagsPerService)
    reading.report(tags.at, {
      what: `the service has ${tags.value.length} tags`,
      why: `at most ${limits.tagsPerService} are allowed`,
      remedy: 'remove some',
    })
}

export function buildChecks(keys: InstanceKeys, service: Service, reading: Reading): readonly CheckDraft[] {
  const written = [...(keys.check?.value ?? []), ...(keys.checks?.value ?? [])]
  return written.flatMap((check, index) => {
    const owner = serviceCheckOwner(service, index + 1, written.length)
    return buildCheck(check, owner, reading) ?? []
  })
}
