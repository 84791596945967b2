/**
 * What several definitions may not share: ids, local ports, sockets. Each definition is right by itself when it comes here;
 * of two that collide the later one is reported, and it names the earlier one's place.
 */
import { carriesDatagrams } from '../model/upstream.ts'
import type { Place } from '../wire/hcl/tree.ts'
import { overlaps } from './address.ts'
import type { CheckDraft } from './check.ts'
import { publicListenerOf } from './ports.ts'
import { placeSeenFrom, type Reading } from './reading.ts'
import type { ServiceDraft } from './service.ts'
import { nearest } from './suggest.ts'

/** A port that something of the mesh opens on this host. */
export interface Listener {
  readonly address: string
  readonly port: number
  /** Completes "… listens there". */
  readonly owner: string
  readonly at: Place
  /** Absent: TCP. The two do not take each other's ports. */
  readonly protocol?: 'udp'
}

export interface DefinitionDrafts {
  readonly services: readonly ServiceDraft[]
  /** Checks that stand outside services. */
  readonly checks: readonly CheckDraft[]
}

export function checkIds({ services, checks }: DefinitionDrafts, reading: Reading): void {
  const placeById = new Map<string, Place>()
  const distinct: ServiceDraft[] = []
  for (const draft of services) {
    const ids = serviceIds(draft.definition)
    const taken = ids.find((id) => placeById.has(id))
    const first = taken === undefined ? undefined : placeById.get(taken)
    if (first === undefined) {
      for (const id of ids) placeById.set(id, draft.idAt)
      distinct.push(draft)
    } else
      reading.report(draft.idAt, {
        what: `a second service has the id "${taken ?? ''}"`,
        why: `ids are unique on a host, and the first stands ${placeSeenFrom(draft.idAt, first)}`,
        remedy: 'give one of them an `id` of its own; both may keep their name',
      })
  }
  const placeByCheck = new Map<string, Place>()
  for (const check of [...distinct.flatMap((draft) => draft.checks), ...checks]) {
    const first = placeByCheck.get(check.definition.checkId)
    if (first === undefined) placeByCheck.set(check.definition.checkId, check.at)
    else
      reading.report(check.at, {
        what: `a second check has the id "${check.definition.checkId}"`,
        why: `ids are unique on a host, and the first stands ${placeSeenFrom(check.at, first)}`,
        remedy: 'give one of them an `id` of its own',
      })
  }
}

/** Checks outside services that name a service no file defines. */
export function checkOwners({ services, checks }: DefinitionDrafts, reading: Reading): void {
  const ids = new Set(services.flatMap(({ definition }) => serviceIds(definition)))
  for (const { definition, serviceAt } of checks) {
    if (definition.serviceId === '' || ids.has(definition.serviceId) || reading.full) continue
    const near = nearest(definition.serviceId, ids)
    reading.report(serviceAt, {
      what: `\`service_id\` is "${definition.serviceId}"`,
      why: 'no file defines a service with that id',
      remedy:
        near === undefined
          ? 'write the id of a service in these files, or remove the key for a check of the whole host'
          : `did you mean "${near}"?`,
    })
  }
}

function serviceIds(definition: ServiceDraft['definition']): readonly string[] {
  const { service, sidecar } = definition
  return sidecar === undefined ? [service.id] : [service.id, sidecar.service.id]
}

/** `existing` are listeners that do not come from services; sidecars listen on `bindAddress`. */
export function checkListeners(
  services: readonly ServiceDraft[],
  existing: readonly Listener[],
  bindAddress: string,
  reading: Reading,
): void {
  const book = new ListenerBook()
  const sockets = new Map<string, Place>()
  const datagrams = new ListenerBook()
  const listeners = [...existing, ...services.flatMap((draft) => listenersOf(draft, bindAddress))]
  for (const listener of listeners) {
    const own = listener.protocol === 'udp' ? datagrams : book
    const first = own.collision(listener.address, listener.port)
    if (first === undefined) own.add(listener)
    else reportTwice(listener, first, reading)
  }
  for (const { upstreams } of services)
    for (const { upstream, at } of upstreams) {
      const path = upstream.localBindSocketPath
      const first = sockets.get(path)
      if (path !== '' && first === undefined) sockets.set(path, at)
      if (path !== '' && first !== undefined)
        reading.report(at, {
          what: `the socket ${path} is used twice`,
          why: `another upstream listens there, ${placeSeenFrom(at, first)}`,
          remedy: 'choose another path for one of them',
        })
    }
  for (const draft of services) checkLocalService(draft, book, reading)
}

/** A service cannot listen where its host's proxy listens already. */
function checkLocalService({ definition, portAt }: ServiceDraft, book: ListenerBook, reading: Reading): void {
  const proxy = definition.sidecar?.service.proxy
  if (proxy === undefined || proxy.localServicePort === 0) return
  const taken = book.collision(proxy.localServiceAddress, proxy.localServicePort)
  if (taken === undefined) return
  const owner = `the service "${definition.service.name}"`
  if (taken.at.line === 0) reportTwice({ ...taken, at: portAt }, taken, reading)
  else reportTwice(taken, { ...taken, owner, at: portAt }, reading)
}

/** At the place of the second one, unless that is a default that stands in no file. */
function reportTwice(second: Listener, other: Listener, reading: Reading): void {
  const [listener, first] = second.at.line === 0 ? [other, second] : [second, other]
  reading.report(listener.at, {
    what: `port ${listener.port} is used twice on this host`,
    why: `${first.owner} listens there${first.at.line === 0 ? '' : `, ${placeSeenFrom(listener.at, first.at)}`}`,
    remedy: 'choose another port for one of them',
  })
}

function listenersOf(draft: ServiceDraft, bindAddress: string): readonly Listener[] {
  const { definition, portAt, sidecarPortAt, upstreams, exposed } = draft
  const { service, sidecar } = definition
  const all: Listener[] = []
  if (service.kind === 'connect-proxy')
    all.push({ ...publicListenerOf(service, bindAddress), owner: `the proxy "${service.id}"`, at: portAt })
  if (sidecar !== undefined)
    all.push({
      ...publicListenerOf(sidecar.service, bindAddress),
      owner: `the sidecar of "${service.name}"`,
      at: sidecarPortAt,
    })
  for (const { upstream, at } of upstreams)
    all.push({
      address: upstream.localBindAddress,
      port: upstream.localBindPort,
      owner: `the upstream "${upstream.destinationName}" of "${service.name}"`,
      at,
      ...(carriesDatagrams(upstream) ? { protocol: 'udp' } : {}),
    })
  const exposedPorts = new Map(exposed.map((each) => [each.path.listenerPort, each]))
  const proxy = sidecar?.service ?? service
  for (const [port, { path, at }] of exposedPorts)
    all.push({
      address: publicListenerOf(proxy, bindAddress).address,
      port,
      owner: `the exposed path ${path.path} of "${service.name}"`,
      at,
    })
  return all.filter((listener) => listener.port !== 0)
}

/** Listeners by port and address, so that finding a collision does not cost a look at each. */
class ListenerBook {
  readonly #byPort = new Map<number, Map<string, Listener>>()

  add(listener: Listener): void {
    const known = this.#byPort.get(listener.port)
    if (known === undefined) this.#byPort.set(listener.port, new Map([[listener.address, listener]]))
    else known.set(listener.address, listener)
  }

  collision(address: string, port: number): Listener | undefined {
    const known = this.#byPort.get(port)
    if (known === undefined) return undefined
    for (const other of [address, '0.0.0.0', '::', '127.0.0.1', 'localhost']) {
      const listener = known.get(other)
      if (listener !== undefined && overlaps(address, other)) return listener
    }
    const [first] = known.values()
    return first !== undefined && overlaps(address, first.address) ? first : undefined
  }
}
