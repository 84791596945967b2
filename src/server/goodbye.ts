/**
 * How a server of several stops so that nobody notices: its agents are sent to the others, a number at a time, and it serves
 * on until they have gone and what they asked for is answered. Only then leadership is handed over and connections end.
 */
import { failed } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/ports.ts'
import type { Forwarding } from './forward/forwarding.ts'
import type { SessionHub } from './sessions/hub.ts'

export interface GoodbyePorts {
  readonly hub: Pick<SessionHub, 'agents' | 'refuseAgents' | 'sendAway'>
  readonly forwarding: Pick<Forwarding, 'underWay'>
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
}

/** Calls `done` once: when all was quiet for a moment, or when that takes too long. */
export function sayGoodbye({ hub, forwarding, clock }: GoodbyePorts, done: () => void): void {
  const startedMs = clock.monotonicMs()
  const { failure } = failed('no-server', 'this server is stopping')
  let busyAtMs = startedMs
  hub.refuseAgents()
  const turn = (): void => {
    const nowMs = clock.monotonicMs()
    if (hub.agents > 0 || forwarding.underWay > 0) busyAtMs = nowMs
    hub.sendAway(limits.goodbyesPerTurn, Number.POSITIVE_INFINITY, failure)
    const isOver = nowMs - busyAtMs >= limits.goodbyeQuietMs || nowMs - startedMs >= limits.goodbyeMaxMs
    if (isOver) done()
    else clock.after(limits.goodbyeEveryMs, turn)
  }
  turn()
}
