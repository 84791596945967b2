/**
 * What servers have promised to each other, taken from the messages that really left them: one vote per term, also across
 * restarts; leaders' messages only from the term's one leader; and what was acknowledged is still there after a crash.
 */
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import { hold } from '../violation.ts'

interface Promises {
  /** By term: who got this server's vote. */
  readonly votes: Map<number, string>
  term: number
  /** The log up to here was acknowledged as durable. */
  match: { index: number; term: number } | undefined
}

export class Ballots {
  readonly #byServer = new Map<string, Promises>()
  /** By term. */
  readonly #leaders = new Map<number, string>()

  /** A message leaves its server. `termAt` gives terms of its log now. */
  sent(from: string, to: string, message: RaftMessage, termAt: (index: number) => number | undefined): void {
    switch (message.type) {
      case 'vote':
        this.#vote(from, message.term, from)
        break
      case 'vote-response':
        if (message.granted) this.#vote(from, message.term, to)
        break
      case 'append-accepted':
        this.#acknowledge(from, message, termAt)
        break
      case 'append':
      case 'heartbeat':
      case 'snapshot-chunk':
      case 'timeout-now':
      case 'read-response': {
        const leader = this.#leaders.get(message.term)
        hold(
          leader === from,
          'leader-messages',
          () =>
            `${from} sends ${message.type} of term ${message.term}, whose leader is ${leader ?? 'nobody'}`,
        )
        break
      }
      default:
    }
  }

  /** A server leads `term`: alone, and because a majority of `voters` said yes to it. */
  leads(server: string, term: number, voters: readonly string[]): void {
    const known = this.#leaders.get(term)
    const votes = voters.filter((voter) => voter === server || this.#of(voter).votes.get(term) === server)
    hold(
      votes.length * 2 > voters.length,
      'elected-by-majority',
      () => `${server} leads in term ${term} with the votes of [${votes.join()}] of [${voters.join()}]`,
    )
    hold(
      known === undefined || known === server,
      'one-leader',
      () => `${known} and ${server} lead in term ${term}`,
    )
    this.#leaders.set(term, server)
  }

  /** Entries after `index` were removed, as a newer leader wanted: what was promised of them is void. */
  truncated(server: string, index: number, term: number): void {
    const promises = this.#of(server)
    if (promises.match !== undefined && promises.match.index > index) promises.match = { index, term }
  }

  /** A server has started again: everything it promised must be on its disk. */
  recovered(
    server: string,
    found: {
      readonly term: number
      readonly vote: string | undefined
      readonly base: number
      readonly last: number
    },
    termAt: (index: number) => number | undefined,
  ): void {
    const { term, match, votes } = this.#of(server)
    const vote = votes.get(found.term)
    hold(
      vote === undefined || vote === found.vote,
      'forgotten-vote',
      () =>
        `${server} voted for ${vote} in term ${found.term} and starts with a vote for ${found.vote ?? 'nobody'}`,
    )
    hold(
      found.term >= term,
      'forgotten-term',
      () => `${server} acted in term ${term} and starts in ${found.term}`,
    )
    if (match === undefined || match.index <= found.base) return
    hold(
      found.last >= match.index && termAt(match.index) === match.term,
      'forgotten-entries',
      () =>
        `${server} acknowledged ${match.index} of term ${match.term} and starts with a log up to ${found.last}`,
    )
  }

  #vote(server: string, term: number, candidate: string): void {
    const promises = this.#of(server)
    const known = promises.votes.get(term)
    hold(
      known === undefined || known === candidate,
      'one-vote',
      () => `${server} votes for ${known} and ${candidate} in term ${term}`,
    )
    promises.votes.set(term, candidate)
    promises.term = Math.max(promises.term, term)
  }

  #acknowledge(
    server: string,
    { term, match }: Extract<RaftMessage, { readonly type: 'append-accepted' }>,
    termAt: (index: number) => number | undefined,
  ): void {
    const promises = this.#of(server)
    promises.term = Math.max(promises.term, term)
    const matchTerm = termAt(match)
    if (matchTerm !== undefined && match > (promises.match?.index ?? 0))
      promises.match = { index: match, term: matchTerm }
  }

  #of(server: string): Promises {
    const known = this.#byServer.get(server)
    if (known !== undefined) return known
    const promises: Promises = { votes: new Map(), term: 0, match: undefined }
    this.#byServer.set(server, promises)
    return promises
  }
}
