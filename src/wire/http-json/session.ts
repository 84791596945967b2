/**
 * Sessions as Consul shows them, and the body that makes one; reference/consul.md 1.8 and Appendix A, trap 9. Unknown keys of
 * the body are passed over, as Consul does here and nowhere else.
 */
import { parseDurationMs } from '../../model/duration.ts'
import type { Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { RowIndexes } from '../../model/service.ts'
import type { Session, SessionBehavior } from '../../model/session.ts'
import { decodeKnown, type Fields } from './fields.ts'

export interface SessionJson {
  readonly ID: string
  readonly Name: string
  readonly Node: string
  /** Nanoseconds. */
  readonly LockDelay: number
  readonly Behavior: SessionBehavior
  readonly TTL: string
  readonly NodeChecks: readonly string[]
  readonly ServiceChecks: readonly { readonly ID: string; readonly Namespace: string }[]
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function sessionJson(session: Session & RowIndexes): SessionJson {
  return {
    ID: session.id,
    Name: session.name,
    Node: session.node,
    LockDelay: Math.round(session.lockDelayMs * 1e6),
    Behavior: session.behavior,
    TTL: session.ttl,
    NodeChecks: session.nodeChecks,
    ServiceChecks: session.serviceChecks.map((id) => ({ ID: id, Namespace: '' })),
    CreateIndex: session.createIndex,
    ModifyIndex: session.modifyIndex,
  }
}

/** What a body may leave away. */
export interface SessionDefaults {
  readonly node: string
  readonly nodeChecks: readonly string[]
}

export interface SessionBody {
  readonly datacenter: string
  readonly session: Omit<Session, 'id'>
}

const names = [
  'LockDelay',
  'Name',
  'Node',
  'NodeChecks',
  'ServiceChecks',
  'Checks',
  'Behavior',
  'TTL',
  'Datacenter',
]

export function parseSessionBody(body: unknown, defaults: SessionDefaults): Result<SessionBody> {
  return decodeKnown(body, names, (fields) => {
    const behavior = fields.text('Behavior')
    if (behavior !== '' && behavior !== 'release' && behavior !== 'delete')
      return fields.refuse(`Invalid Behavior setting '${behavior}': use release or delete`)
    // `Checks` is what `NodeChecks` was called once; both count.
    const named = [...fields.texts('NodeChecks'), ...fields.texts('Checks')]
    const isNamed = fields.has('NodeChecks') || fields.has('Checks')
    return {
      datacenter: fields.text('Datacenter'),
      session: {
        name: fields.text('Name'),
        node: fields.text('Node') === '' ? defaults.node : fields.text('Node'),
        nodeChecks: isNamed ? [...new Set(named)] : defaults.nodeChecks,
        serviceChecks: fields.list('ServiceChecks', ['ID', 'Namespace'], (check) => check.text('ID')),
        lockDelayMs: lockDelayMs(fields),
        behavior: behavior === 'delete' ? 'delete' : 'release',
        ttl: fields.text('TTL'),
      },
    }
  })
}

/** Below this a number means seconds, above it nanoseconds: old clients of Consul sent the first. */
const secondsBelow = 1_000

function lockDelayMs(fields: Fields): number {
  const given = fields.raw('LockDelay')
  if (given === undefined) return limits.lockDelayDefaultMs
  const delayMs =
    typeof given === 'string'
      ? parseDurationMs(given)
      : typeof given === 'number'
        ? given < secondsBelow
          ? given * 1_000
          : given / 1e6
        : undefined
  if (delayMs === undefined || !Number.isFinite(delayMs))
    return fields.refuse('Request decode failed: json: "LockDelay" must be a duration such as "15s"')
  return Math.round(delayMs)
}
