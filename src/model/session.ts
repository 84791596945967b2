/**
 * Sessions and what they leave behind: a session stands for one client that holds locks, and ends by itself when its node,
 * one of its checks or its own time to live does. Names and rules are Consul's (reference/consul.md 1.8 and 7); ending one
 * is store/write-session.ts, the time to live server/leader/session-timers.ts.
 */
import { parseDurationMs } from './duration.ts'

/** What becomes of the keys that a session holds when it ends: they lose the lock, or they go. */
export type SessionBehavior = 'release' | 'delete'

export interface Session {
  /** A UUID that its maker chose. */
  readonly id: string
  readonly name: string
  readonly node: string
  /** Ids of checks of that node; the session ends when one is critical or gone. */
  readonly nodeChecks: readonly string[]
  /** The same for checks of services. One name space: check ids are unique on a node. */
  readonly serviceChecks: readonly string[]
  /** How long nobody can take a lock that the session lost, so that its old holder has time to notice. */
  readonly lockDelayMs: number
  readonly behavior: SessionBehavior
  /** Duration text as it was given, '' for none: clients compare what they read with what they wrote. */
  readonly ttl: string
}

/** A key that nobody can lock before `untilMs`, by the wall clock of the leader. */
export interface LockDelay {
  readonly key: string
  readonly untilMs: number
}

/** Milliseconds; 0 for a session that lives until something else ends it. */
export const ttlMsOf = ({ ttl }: Pick<Session, 'ttl'>): number => parseDurationMs(ttl) ?? 0

/** All checks that a session hangs on, each once. */
export const checksOfSession = ({ nodeChecks, serviceChecks }: Session): ReadonlySet<string> =>
  new Set([...nodeChecks, ...serviceChecks])
