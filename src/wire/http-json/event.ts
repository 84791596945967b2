/** Events as `/event/fire` and `/event/list` show them. */
import type { FiredEvent } from '../../model/fired-event.ts'

export interface EventJson {
  readonly ID: string
  readonly Name: string
  /** Base64. */
  readonly Payload: string | null
  readonly NodeFilter: string
  readonly ServiceFilter: string
  readonly TagFilter: string
  readonly Version: number
  readonly LTime: number
}

export function eventJson(event: FiredEvent): EventJson {
  const { id, name, payload, nodeFilter, serviceFilter, tagFilter, version, time } = event
  return {
    ID: id,
    Name: name,
    Payload: payload.length === 0 ? null : Buffer.from(payload).toString('base64'),
    NodeFilter: nodeFilter,
    ServiceFilter: serviceFilter,
    TagFilter: tagFilter,
    Version: version,
    LTime: time,
  }
}

/**
 * What stands for this event where a client waits for a later one: made of its id, as in Consul, so that it is the same on
 * every host. Does not grow; only equality means something. 53 bits, because clients may hold it as a number; never 0.
 */
export function eventIndex({ id }: Pick<FiredEvent, 'id'>): number {
  const digits = id.replace(/[^0-9a-fA-F]/g, '').padEnd(32, '0')
  const halves = BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16, 32)}`)
  return Math.max(1, Number(BigInt.asUintN(53, halves)))
}
