/**
 * What an agent and its proxies say to one another on the link: the agent sends a whole state, then differences, one at
 * a time; the proxy acknowledges each one or says why it keeps the old state. Only form is checked here.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { type ProxyResource, type ResourceKind, resourceOrder } from '../../model/proxy-config.ts'
import { versions } from '../../model/versions.ts'
import {
  asFields,
  type Fields,
  listOf,
  Misshapen,
  nonEmptyOf,
  numberOf,
  oneOf,
  textOf,
  textsOf,
} from './fields.ts'
import { readResources } from './resource.ts'

/** Versions of this protocol that this build speaks. */
export const linkProtocol = versions.proxyLink

/** From this version on a proxy may ask for a part only. */
export const partsSince = 3

/** Resources of this kind are understood from this version on. */
export const kindsSince: Partial<Readonly<Record<ResourceKind, number>>> = { exposed: 2 }

export interface ResourceName {
  readonly kind: ResourceKind
  readonly name: string
}

export type FromAgent =
  | { readonly kind: 'welcome'; readonly protocol: number }
  /** The agent will not serve this proxy. */
  | { readonly kind: 'goaway'; readonly reason: string }
  | { readonly kind: 'full'; readonly version: number; readonly resources: readonly ProxyResource[] }
  /** Applies only to the state that was acknowledged under `base`. */
  | {
      readonly kind: 'delta'
      readonly version: number
      readonly base: number
      readonly upserts: readonly ProxyResource[]
      readonly removes: readonly ResourceName[]
    }

/** What a proxy wants of the agent's state, where it does not want all of it. */
export type LinkPart =
  /** One local service, with what it needs to call and to be called. */
  | { readonly kind: 'service'; readonly service: string }
  /** Which services have listeners: no keys, no policies. */
  | { readonly kind: 'listeners' }

export type FromProxy =
  | {
      readonly kind: 'hello'
      readonly minProtocol: number
      readonly maxProtocol: number
      readonly pid: number
      /** Random per worker process: counters start at zero with a new one. */
      readonly worker: string
      readonly version: string
      /** Absent: everything. */
      readonly part?: LinkPart
    }
  /** All of `version` is in force. `problems`: listeners that could not be opened, with address and reason. */
  | { readonly kind: 'ack'; readonly version: number; readonly problems: readonly string[] }
  /** Nothing of `version` is in force. */
  | { readonly kind: 'nack'; readonly version: number; readonly reason: string }
  /** A delta did not fit: send everything. */
  | { readonly kind: 'resync' }
  | {
      readonly kind: 'stats'
      /** Connections open now. */
      readonly open: number
      /** Own certificates that have run out. */
      readonly expired: number
      readonly pairs: readonly PairStats[]
      /** Instances that are taken out of use. */
      readonly draining: readonly DrainingInbound[]
    }

export interface DrainingInbound {
  /** Name of the inbound resource. */
  readonly name: string
  /** Streams that are open. */
  readonly open: number
}

/** Sums since the worker started, of one pair of services in one direction; '' where the peer is not known. */
export interface PairStats {
  readonly direction: 'inbound' | 'outbound'
  readonly source: string
  readonly destination: string
  readonly connections: number
  readonly bytesToDestination: number
  readonly bytesToSource: number
  readonly refusals: Readonly<Record<string, number>>
  /** Connections that are over, by how long they lasted: one number per bound and one for longer ones. */
  readonly durations: readonly number[]
  /** All of them together. */
  readonly durationMs: number
  /** Absent where there was none. */
  readonly datagrams?: DatagramStats
}

/** Datagrams that were carried, and those for which there was no room or nobody. */
export interface DatagramStats {
  readonly toDestination: number
  readonly toSource: number
  readonly dropped: number
}

/** Upper bounds of `durations`, from a small request to a day. */
export const durationBoundsMs = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000,
] as const

export function readFromAgent(value: unknown): Result<FromAgent> {
  return guarded<FromAgent>(() => {
    const fields = asFields(value, 'the message')
    const kind = oneOf(fields, 'kind', ['welcome', 'goaway', 'full', 'delta'])
    switch (kind) {
      case 'welcome':
        return ok({ kind, protocol: numberOf(fields, 'protocol', 1) })
      case 'goaway':
        return ok({ kind, reason: textOf(fields, 'reason') })
      case 'full': {
        const resources = readResources(listOf(fields, 'resources', (item) => item))
        return resources.ok
          ? ok({ kind, version: numberOf(fields, 'version', 1), resources: resources.value })
          : resources
      }
      case 'delta': {
        const upserts = readResources(listOf(fields, 'upserts', (item) => item))
        if (!upserts.ok) return upserts
        return ok({
          kind,
          version: numberOf(fields, 'version', 1),
          base: numberOf(fields, 'base', 1),
          upserts: upserts.value,
          removes: listOf(fields, 'removes', readResourceName),
        })
      }
    }
  })
}

/** Number of the state that a message would have brought, to name it in a nack; 0 where it has none. */
export function versionOf(value: unknown): number {
  const version = typeof value === 'object' && value !== null ? (value as Fields)['version'] : 0
  return typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? version : 0
}

export function readFromProxy(value: unknown): Result<FromProxy> {
  return guarded<FromProxy>(() => {
    const fields = asFields(value, 'the message')
    const kind = oneOf(fields, 'kind', ['hello', 'ack', 'nack', 'resync', 'stats'])
    switch (kind) {
      case 'hello':
        return ok({
          kind,
          minProtocol: numberOf(fields, 'minProtocol', 1),
          maxProtocol: numberOf(fields, 'maxProtocol', 1),
          pid: numberOf(fields, 'pid', 1),
          worker: nonEmptyOf(fields, 'worker'),
          version: textOf(fields, 'version'),
          ...(fields['part'] === undefined ? {} : { part: readPart(fields['part']) }),
        })
      case 'ack':
        return ok({ kind, version: numberOf(fields, 'version', 1), problems: textsOf(fields, 'problems') })
      case 'nack':
        return ok({ kind, version: numberOf(fields, 'version', 1), reason: textOf(fields, 'reason') })
      case 'resync':
        return ok({ kind })
      case 'stats':
        return ok({
          kind,
          open: numberOf(fields, 'open'),
          expired: numberOf(fields, 'expired'),
          pairs: listOf(fields, 'pairs', readPair),
          // Workers before this field have nothing to say about it.
          draining: fields['draining'] === undefined ? [] : listOf(fields, 'draining', readDraining),
        })
    }
  })
}

function guarded<Message>(read: () => Result<Message>): Result<Message> {
  try {
    return read()
  } catch (error) {
    if (error instanceof Misshapen) return failed('bad-request', error.message)
    throw error
  }
}

function readResourceName(value: unknown): ResourceName {
  const fields = asFields(value, 'a name')
  return { kind: oneOf(fields, 'kind', resourceOrder), name: nonEmptyOf(fields, 'name') }
}

function readPart(value: unknown): LinkPart {
  const fields = asFields(value, 'a part')
  const kind = oneOf(fields, 'kind', ['service', 'listeners'])
  return kind === 'service' ? { kind, service: nonEmptyOf(fields, 'service') } : { kind }
}

function readDraining(value: unknown): DrainingInbound {
  const fields = asFields(value, 'a draining instance')
  return { name: nonEmptyOf(fields, 'name'), open: numberOf(fields, 'open') }
}

function readPair(value: unknown): PairStats {
  const fields = asFields(value, 'a pair')
  const refusals = asFields(fields['refusals'], '"refusals"')
  for (const code of Object.keys(refusals)) numberOf(refusals, code)
  return {
    direction: oneOf(fields, 'direction', ['inbound', 'outbound']),
    source: textOf(fields, 'source'),
    destination: textOf(fields, 'destination'),
    connections: numberOf(fields, 'connections'),
    bytesToDestination: numberOf(fields, 'bytesToDestination'),
    bytesToSource: numberOf(fields, 'bytesToSource'),
    refusals: refusals as Readonly<Record<string, number>>,
    ...readDurations(fields),
    ...(fields['datagrams'] === undefined ? {} : { datagrams: readDatagrams(fields['datagrams']) }),
  }
}

function readDatagrams(value: unknown): DatagramStats {
  const fields = asFields(value, '"datagrams"')
  return {
    toDestination: numberOf(fields, 'toDestination'),
    toSource: numberOf(fields, 'toSource'),
    dropped: numberOf(fields, 'dropped'),
  }
}

/** Workers before these fields have nothing to say about them. */
function readDurations(fields: Fields): Pick<PairStats, 'durations' | 'durationMs'> {
  if (fields['durations'] === undefined) return { durations: [], durationMs: 0 }
  const durations = listOf(fields, 'durations', (item) => numberOf({ item }, 'item'))
  return { durations, durationMs: numberOf(fields, 'durationMs') }
}
