/** Shapes of the arguments of each operation on the cluster itself. */
import * as z from 'zod'
import type { AutopilotConfig } from '../../model/autopilot.ts'
import { limits } from '../../model/limits.ts'
import type { MembershipFrame } from '../membership-feed.ts'
import type { OperationName, Operations } from '../operator.ts'
import { flag, text, wholeNumber } from './text.ts'

const nothing = z.object({})
const ofTransfer = z.object({ id: text.max(128) })

export const autopilotShape = z.object({
  cleanupDeadServers: flag,
  lastContactThresholdMs: wholeNumber,
  maxTrailingLogs: wholeNumber,
  minQuorum: wholeNumber,
  serverStabilizationTimeMs: wholeNumber,
  deadServerLastContactMs: wholeNumber,
}) satisfies z.ZodType<AutopilotConfig>

const memberName = text.min(1).max(limits.gossipNameBytes)

const membershipShape = z.object({
  epoch: text.min(1).max(128),
  position: wholeNumber,
  members: z
    .array(
      z.object({
        node: memberName,
        nodeId: text.max(limits.gossipMetaBytes),
        address: text.max(128),
        presence: z.enum(['alive', 'failed', 'left']),
      }),
    )
    .max(limits.memberFeedRows),
  reaped: z.array(memberName).max(limits.memberFeedRows),
  isComplete: flag,
}) satisfies z.ZodType<MembershipFrame>

/** One entry per operation: an operation without a shape does not compile. */
export const operationShapes: { readonly [Name in OperationName]: z.ZodType<Operations[Name]['args']> } = {
  'snapshot.open': z.object({ stale: flag }),
  'snapshot.next': ofTransfer,
  'restore.open': z.object({ clusterKey: text.max(128) }),
  'restore.write': ofTransfer,
  'restore.finish': ofTransfer,
  'raft.configuration': z.object({ stale: flag }),
  'raft.remove-peer': z.object({ id: text, address: text }),
  'raft.transfer-leader': z.object({ id: text }),
  'raft.leave': nothing,
  'autopilot.state': nothing,
  'autopilot.get': z.object({ stale: flag }),
  'autopilot.set': z.object({ config: autopilotShape, casIndex: wholeNumber.exactOptional() }),
  'ca.prepare-root': z.object({}),
  'ca.remove-root': z.object({ id: text, force: flag }),
  'federation.join': z.object({ replaceEntries: flag }),
  'cluster.status': nothing,
  'membership.feed': membershipShape,
}

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operationShapes, name)
}
