/**
 * How a leader finds the place where a follower's log parts from its own: a follower never refuses what is committed, its
 * hint is the highest position that can still be equal, the next probe stands right there, and a snapshot is sent only
 * when the leader's log does not reach it any more. Whoever breaks one of these still ends with equal logs, but later.
 * Sees each step from outside; what logs may hold is raft.ts.
 */
import { type LogIndex, logIndex } from '../../../src/model/ids.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import type { Effects } from '../../../src/raft/effects.ts'
import type { Input } from '../../../src/raft/input.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import { hold } from '../violation.ts'

type Append = Extract<RaftMessage, { readonly type: 'append' }>
type Rejected = Extract<RaftMessage, { readonly type: 'append-rejected' }>

export class Searches {
  /** By leader: followers that have accepted nothing since they were probed last, so that they surely still are. */
  readonly #probed = new Map<string, Set<string>>()

  /** A new leader knows nothing about any log but its own. */
  leads(server: string, raft: Raft): void {
    const others = raft.configuration.configuration.servers.map(({ id }) => id as string)
    this.#probed.set(server, new Set(others))
  }

  stepped(server: string, raft: Raft, input: Input, effects: Effects): void {
    if (input.type !== 'message') return
    const { from, message } = input
    if (message.type === 'append') checkRefusal(server, raft, message, effects)
    else if (message.type === 'append-accepted') this.#probed.get(server)?.delete(from)
    else if (message.type === 'append-rejected' && raft.role === 'leader' && message.term === raft.term) {
      const probed = this.#probed.get(server)
      if (probed?.has(from) === true) checkProbe(`${server} after a refusal of ${from}`, raft, input, effects)
      if (raft.followers().find(({ id }) => id === from)?.state === 'probe') probed?.add(from)
      else probed?.delete(from)
    }
  }
}

function checkRefusal(server: string, raft: Raft, { previous }: Append, { free }: Effects): void {
  for (const { message } of free) {
    if (message.type !== 'append-rejected') continue
    const { hint } = message
    hold(
      message.previous > raft.committed,
      'refused-committed',
      () => `${server} refuses entries after ${message.previous}, and ${raft.committed} is committed there`,
    )
    const end = Math.min(previous.index, raft.last.index)
    hold(
      hint.index === lastAtMost(raft, end, previous.term) && raft.termAt(hint.index) === hint.term,
      'hint',
      () =>
        `${server} refuses entries after ${previous.index} of term ${previous.term} with the hint ${hint.index} of term ${hint.term}`,
    )
  }
}

/** `input` holds the refusal of a probe, unless it came late or twice; then nothing is sent. */
function checkProbe(
  who: string,
  raft: Raft,
  input: { readonly from: string; readonly message: RaftMessage },
  { free, snapshotsNeeded }: Effects,
): void {
  const { previous, hint } = input.message as Rejected
  const match = raft.followers().find(({ id }) => id === input.from)?.match ?? 0
  const shared = lastAtMost(raft, Math.min(hint.index, raft.last.index), hint.term) ?? -1
  const wanted = Math.max(match, Math.min(shared, previous - 1))
  for (const { to, message } of free)
    if (to === input.from && message.type === 'append')
      hold(
        message.previous.index === wanted,
        'probe',
        () => `${who} with the hint ${hint.index} of term ${hint.term} asks about ${message.previous.index}`,
      )
  hold(
    !snapshotsNeeded.some((peer) => peer === input.from) || termAt(raft, wanted) === undefined,
    'snapshot-without-need',
    () => `${who} with the hint ${hint.index} sends a snapshot, and its log has what comes after`,
  )
}

/** The highest index of the log up to `end` whose term is at most `limit`: terms never fall along a log. */
function lastAtMost(raft: Raft, end: number, limit: number): LogIndex | undefined {
  for (let index = end; index >= 0; index -= 1) {
    const term = termAt(raft, index)
    if (term === undefined) return undefined
    if (term <= limit) return logIndex(index)
  }
  return undefined
}

const termAt = (raft: Raft, index: number): number | undefined =>
  index < 0 ? undefined : raft.termAt(logIndex(index))
