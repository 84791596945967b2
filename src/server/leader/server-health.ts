/**
 * How the servers are, as their leader sees it: who answers, whose log keeps up, and since when. Pure rules; who acts on
 * them is autopilot.ts.
 */
import type { AutopilotConfig } from '../../model/autopilot.ts'
import { type ClusterConfiguration, votersOf } from '../../model/cluster.ts'
import type { NodeId } from '../../model/ids.ts'
import type { FollowerStatus } from '../../raft/raft.ts'
import type { ConsensusStatus } from '../consensus/contract.ts'

export interface Contact {
  readonly id: NodeId
  readonly silentMs: number
  readonly lastIndex: number
  readonly isAlive: boolean
  readonly isHealthy: boolean
}

/** A follower answers once per heartbeat, so less silence than a few of them says nothing. */
const heartbeatsOfSilence = 4

export function contactsOf(
  status: ConsensusStatus,
  followers: readonly FollowerStatus[],
  rules: { readonly config: AutopilotConfig; readonly heartbeatMs: number },
): ReadonlyMap<NodeId, Contact> {
  const { config, heartbeatMs } = rules
  const silenceMs = Math.max(config.lastContactThresholdMs, heartbeatsOfSilence * heartbeatMs)
  const own: Contact = {
    id: status.id,
    silentMs: 0,
    lastIndex: status.commitIndex,
    isAlive: true,
    isHealthy: true,
  }
  const others = followers.map(({ id, state, match, silentMs }): Contact => {
    const isAlive = silentMs <= silenceMs
    // A server that was never reached has been silent for no time yet.
    const keepsUp = match > 0 && state !== 'snapshot' && status.commitIndex - match <= config.maxTrailingLogs
    return { id, silentMs, lastIndex: match, isAlive, isHealthy: isAlive && keepsUp }
  })
  return new Map([own, ...others].map((contact) => [contact.id, contact]))
}

export const majorityOf = (voters: number): number => Math.floor(voters / 2) + 1

/** Voters that may fail before the cluster stands still; counts those that are there. */
export function failureTolerance(
  configuration: ClusterConfiguration,
  contacts: ReadonlyMap<NodeId, Contact>,
): number {
  const voters = votersOf(configuration)
  const healthy = voters.filter((voter) => contacts.get(voter)?.isHealthy === true).length
  return Math.max(0, healthy - majorityOf(voters.length))
}

/** Why `id` must not be removed now: too few of the voters that stay are there. undefined if it may. */
export function removalFault(
  configuration: ClusterConfiguration,
  contacts: ReadonlyMap<NodeId, Contact>,
  id: NodeId,
): string | undefined {
  const voters = votersOf(configuration)
  if (!voters.includes(id)) return undefined
  const staying = voters.filter((voter) => voter !== id)
  if (staying.length === 0) return 'it is the only voter'
  const alive = staying.filter((voter) => contacts.get(voter)?.isAlive === true).length
  if (alive >= majorityOf(staying.length)) return undefined
  return `only ${alive} of the ${staying.length} voters that would stay answer, and a majority is needed`
}
