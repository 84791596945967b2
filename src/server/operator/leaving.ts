/**
 * A server leaves its cluster for good: gives leadership away, has itself removed by the leader, and only then ends. What
 * happens to its files, the composition root knows.
 */
import { votersOf } from '../../model/cluster.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Clock } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { OperatorClient } from '../../rpc/operator.ts'
import type { ClusterOperations, Consensus } from '../consensus/contract.ts'

export interface LeavingPorts {
  readonly consensus: Pick<Consensus, 'status'> &
    Pick<ClusterOperations, 'configuration' | 'transferLeadership'>
  readonly askLeader: OperatorClient['operate']
  readonly clock: Pick<Clock, 'after'>
  /** This server is in the cluster no more: end, after the answer was sent. */
  readonly onLeft: () => void
}

/** The new leader has to be known here, and to know what is committed. */
const tries = 20
const pauseMs = 250

export function leaveCluster(ports: LeavingPorts, reply: Reply<Record<never, never>>): void {
  const { consensus } = ports
  const { id, role } = consensus.status()
  if (votersOf(consensus.configuration()).every((voter) => voter === id)) {
    reply(failed('quorum-at-risk', 'this is the only voter of its cluster; without it there would be none'))
    return
  }
  if (role !== 'leader') askToBeRemoved(ports, tries, reply)
  else
    consensus.transferLeadership(undefined, (handed) => {
      if (handed.ok) askToBeRemoved(ports, tries, reply)
      else reply(handed)
    })
}

function askToBeRemoved(ports: LeavingPorts, triesLeft: number, reply: Reply<Record<never, never>>): void {
  const { consensus, askLeader, clock, onLeft } = ports
  const { id } = consensus.status()
  const request = {
    name: 'raft.remove-peer',
    args: { id, address: '' },
    token: '',
    data: new Uint8Array(0),
  } as const
  askLeader<'raft.remove-peer'>(request, (result) => {
    if (isGone(result)) {
      reply(ok({}))
      onLeft()
    } else if (!result.ok && mayPass.has(result.failure.code) && triesLeft > 1)
      clock.after(pauseMs, () => askToBeRemoved(ports, triesLeft - 1, reply))
    else reply(result.ok ? ok({}) : result)
  })
}

/**
 * A server that is not in the cluster any more has left, whoever removed it: the leader does not find it, or does not know its
 * key any more (`bad-token`, which a member never gets for a call without one).
 */
const isGone = (result: Result<unknown>): boolean =>
  result.ok || result.failure.code === 'not-found' || result.failure.code === 'bad-token'

const mayPass: ReadonlySet<string> = new Set(['no-leader', 'no-server', 'conflict', 'write-outcome-unknown'])
