/**
 * One attempt to join: every address is resolved and asked for an exchange of state, some at a time. One answer is
 * enough to be a member; each address that did not answer is named with its reason.
 */
import { type GossipEndpoint, sameEndpoint } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { HostNames } from '../platform/ports.ts'
import type { JoinReport } from './contract.ts'
import { parseSeed, resolveSeed, textOfSeed } from './seed-address.ts'

export interface JoinOptions {
  readonly names: HostNames
  readonly defaultPort: number
  /** Where we are ourselves: not asked. */
  readonly self: GossipEndpoint
  /** One exchange; '' if it was answered, else why not. */
  readonly exchange: (to: GossipEndpoint, done: (reason: string) => void) => void
}

export function join(
  addresses: readonly string[],
  options: JoinOptions,
  done: (report: JoinReport) => void,
): void {
  new Join(addresses.slice(0, limits.gossipJoinAddresses), options, done).start()
}

class Join {
  readonly #options: JoinOptions
  readonly #waiting: string[]
  readonly #done: (report: JoinReport) => void
  readonly #failures: string[] = []
  #joined = 0
  #underWay = 0
  #isDone = false

  constructor(addresses: readonly string[], options: JoinOptions, done: (report: JoinReport) => void) {
    this.#waiting = [...new Set(addresses)]
    this.#options = options
    this.#done = done
  }

  start(): void {
    while (this.#underWay < limits.gossipJoinsInFlight) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      this.#underWay += 1
      this.#try(next)
    }
    if (this.#underWay > 0 || this.#isDone) return
    this.#isDone = true
    this.#done({ joined: this.#joined, failures: this.#failures })
  }

  #try(text: string): void {
    const seed = parseSeed(text, this.#options.defaultPort)
    if (seed === undefined) {
      this.#over([`"${text}" is no address; write it as 10.0.0.5, mesh.example:8301 or [fd00::5]:8301`])
      return
    }
    resolveSeed(seed, this.#options.names, (endpoints, error) => {
      const others = endpoints.filter((one) => !sameEndpoint(one, this.#options.self))
      const known = others.slice(0, limits.gossipJoinsInFlight)
      if (endpoints.length === 0) this.#over([`${textOfSeed(seed)}: ${error}`])
      else this.#askAll(textOfSeed(seed), known)
    })
  }

  #askAll(name: string, endpoints: readonly GossipEndpoint[]): void {
    const failures: string[] = []
    let left = endpoints.length
    if (left === 0) {
      this.#over([])
      return
    }
    for (const endpoint of endpoints)
      this.#options.exchange(endpoint, (reason) => {
        const where = textOfSeed({ host: endpoint.address, port: endpoint.port })
        if (reason === '') this.#joined += 1
        else failures.push(where === name ? `${where}: ${reason}` : `${name} (${where}): ${reason}`)
        left -= 1
        if (left === 0) this.#over(failures)
      })
  }

  #over(failures: readonly string[]): void {
    this.#failures.push(...failures)
    this.#underWay -= 1
    this.start()
  }
}
