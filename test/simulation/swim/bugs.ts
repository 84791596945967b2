/**
 * Bugs that are planted one at a time to see whether the checkers find them. Each is a small change of the core's text.
 */
import type { Patch } from '../run/patch.ts'

export interface PlantedBug {
  readonly name: string
  readonly patch: Patch
}

const bug = (name: string, file: string, find: string, put: string): PlantedBug => ({
  name,
  patch: { file: `swim/${file}.ts`, find, put },
})

export const swimBugs: readonly PlantedBug[] = [
  bug(
    'refutes without a new incarnation',
    'refutation',
    'Math.max(self.incarnation, incarnation) + 1',
    'Math.max(self.incarnation, incarnation)',
  ),
  bug(
    'dead beats newer alive',
    'dead-claim',
    'member === undefined || claim.incarnation < member.incarnation',
    'member === undefined',
  ),
  bug('suspicion not cancelled', 'alive-claim', 'view.suspicions.remove(member.suspicion)', ''),
  bug(
    'an old alive claim revives the dead',
    'alive-claim',
    'if (claim.incarnation <= member.incarnation) {',
    'if (claim.incarnation < member.incarnation) {',
  ),
  bug(
    'goodbye taken for a failure',
    'dead-claim',
    'const hasLeft = claim.from === claim.node',
    'const hasLeft = false',
  ),
  bug('health never recovers', 'probe', 'view.awareness.change(-1)', ''),
  bug(
    'shortest suspicion at once',
    'suspicion',
    'if (wanted < 1) return minMs',
    'if (wanted < 100) return minMs',
  ),
  bug('one accuser counts twice', 'suspicion', ' || this.accusers.includes(accuser)', ''),
  bug('nobody is probed', 'probing', 'if (member !== undefined) startProbe(view, member, true)', ''),
  bug(
    'a restarted member does not outbid its past',
    'alive-claim',
    'if (claim.incarnation > self.incarnation || !isSame) refute',
    'if (claim.incarnation < self.incarnation || !isSame) refute',
  ),
  bug(
    'a living member’s name is given away',
    'alive-claim',
    'else if (!mayMove(view, member)) {',
    'else if (mayMove(view, member)) {',
  ),
  bug('a member that returned is not probed', 'alive-claim', 'roster.activate(member)', ''),
  bug('a leaving member refutes its goodbye', 'dead-claim', 'if (!view.isLeaving) refute', 'refute'),
  bug(
    'old accusations are believed',
    'suspect-claim',
    'member === undefined || claim.incarnation < member.incarnation',
    'member === undefined',
  ),
  bug('own suspicion never ends', 'suspect-claim', 'view.suspicions.add(member.suspicion)', ''),
  bug(
    'accusations of ourselves are not refuted',
    'suspect-claim',
    'refute(view, claim.incarnation, claim.from)',
    '',
  ),
  bug(
    'incarnations of goodbyes are forgotten',
    'dead-claim',
    'member.incarnation = claim.incarnation',
    'member.incarnation = 0',
  ),
  bug(
    'told once only',
    'broadcast-queue',
    'if (broadcast.transmits < limit) this.#put(broadcast)',
    'if (broadcast.transmits < 0) this.#put(broadcast)',
  ),
  bug(
    'told for ever',
    'broadcast-queue',
    'if (broadcast.transmits < limit) this.#put(broadcast)',
    'if (broadcast.transmits < 1e9) this.#put(broadcast)',
  ),
  bug('what was replaced is told on', 'broadcast-queue', 'broadcast.isGone = true\n', ''),
  bug(
    'confirmations do not shorten a suspicion',
    'suspicion',
    'this.dueMs = Math.max(nowMs, dueMs)',
    'this.dueMs = Math.max(this.dueMs, dueMs)',
  ),
  bug(
    'no help is asked for, and no stream tried',
    'probe',
    '} else if (nowMs >= probe.helpAtMs) askForHelp(view, probe)',
    '}',
  ),
  bug(
    'no exchanges',
    'exchange',
    'if (member !== undefined) view.effects.exchange(',
    'if (member === view.self) view.effects.exchange(',
  ),
]
