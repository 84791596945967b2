/**
 * memberlist's and Serf's own rules where ours differ, as patches of the core: the yardstick for the healing of splits.
 * docs/divergence.md says why we left them.
 */
import type { Patch } from '../run/patch.ts'

export const plainRules: readonly Patch[] = [
  // What another believes of a member is taken for an accusation, not for a reason to ask the member.
  {
    file: 'swim/exchange.ts',
    find: 'if (member !== view.self) disputed.push(one)',
    put: `if (member !== view.self)
        hearSuspect(view, { type: 'suspect', incarnation, node: record.node, from: view.self.name })`,
  },
  {
    file: 'swim/exchange.ts',
    find: `import { refute } from './refutation.ts'`,
    put: `import { refute } from './refutation.ts'
import { hearSuspect } from './suspect-claim.ts'`,
  },
  // Somebody else sees it alive: nothing, until it says so itself with a higher incarnation.
  { file: 'swim/exchange.ts', find: 'returnOf(view, one, disputed)', put: 'hearAlive(view, record)' },
  { file: 'swim/alive-claim.ts', find: 'if (member.isGone) lookAgain(view, member, claim)', put: '' },
  // Who has been dead for longer than gossip goes to the dead is forgotten, so that any claim brings it back.
  {
    file: 'swim/alive-claim.ts',
    find: 'if (claim.incarnation <= member.incarnation) {',
    put: 'if (claim.incarnation <= member.incarnation && !(member.isGone && member.ringAt < 0)) {',
  },
  // Exchanges do not come sooner because much is new.
  {
    file: 'swim/exchange.ts',
    find: 'if (view.arrivals <= normal || view.isLeaving) return',
    put: 'if (view.arrivals <= normal || view.arrivals > normal) return',
  },
  // The dead are not told that they are taken for dead.
  {
    file: 'swim/gossip.ts',
    find: `const messages: GossipMessage[] = member.isGone
      ? [{ type: 'dead', incarnation, node, from: self.name }]
      : []`,
    put: 'const messages: GossipMessage[] = incarnation < 0 || node === self.name ? [] : []',
  },
  // Any failed member is tried, one at a time.
  { file: 'swim/reconnect.ts', find: 'view.random() ** 2', put: 'view.random()' },
  { file: 'swim/reconnect.ts', find: 'const triesAlone = 3', put: 'const triesAlone = 1' },
]
