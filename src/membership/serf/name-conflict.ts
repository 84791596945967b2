/**
 * Two hosts under one name: the one that most members know keeps it (Serf). Asked by whoever hears that another host has
 * its own name; the loser goes, the winner goes on.
 */
import { type GossipEndpoint, sameEndpoint } from '../../model/gossip-message.ts'
import type { Query } from '../../model/serf-message.ts'
import { serfQueries } from '../../model/serf-message.ts'
import { decodeConflictResponse, encodeConflictResponse } from '../../wire/gossip/serf-answer.ts'
import type { Below } from './below.ts'
import type { OpenQueries } from './open-queries.ts'

/** Undefined: the query is another one, or about ourselves, on which we have no vote. */
export function answerAboutName(query: Query, { swim }: Below): Uint8Array | undefined {
  if (query.name !== serfQueries.conflict) return undefined
  const name = Buffer.from(query.payload).toString()
  if (name === swim.self.name) return undefined
  const member = swim.member(name)
  if (member === undefined) return encodeConflictResponse(undefined)
  const { address, port } = member.record
  return encodeConflictResponse({ node: name, address, port })
}

export class NameConflict {
  readonly #below: Below
  readonly #queries: OpenQueries
  #isVoting = false

  constructor(below: Below, queries: OpenQueries) {
    this.#below = below
    this.#queries = queries
  }

  /** Another host, at `other`, says that it has our name. One vote at a time. */
  settle(other: GossipEndpoint): void {
    if (this.#isVoting) return
    const { swim, log, pool } = this.#below
    const self = swim.self
    log.error('another host has this node’s name; asking the members who keeps it', {
      pool,
      node: self.name,
      address: other.address,
      port: other.port,
    })
    let votes = 0
    let ours = 0
    const asked = this.#queries.ask({
      name: serfQueries.conflict,
      payload: Buffer.from(self.name),
      onAnswer: (_from, payload) => {
        votes += 1
        const holder = decodeConflictResponse(payload)
        if (holder !== undefined && sameEndpoint(holder, self.record)) ours += 1
      },
      onEnd: () => {
        this.#isVoting = false
        this.#judge(votes, ours, other)
      },
    })
    this.#isVoting = asked.ok
  }

  #judge(votes: number, ours: number, other: GossipEndpoint): void {
    const { log, pool, swim, tell } = this.#below
    const facts = { pool, node: swim.self.name, votes, ours }
    // Nobody there to ask: neither host can be told to go.
    if (votes === 0 || ours >= Math.floor(votes / 2) + 1) {
      log.warn('this host keeps its node name', facts)
      return
    }
    log.error('most members know another host under this name; give this one another node_name', facts)
    tell({ type: 'name-lost', holder: other })
  }
}
