/**
 * Keeps what this datacenter knows of the others up to date: each describes itself, and the leader here writes it down when it
 * changes, so that a root that is rotated there is trusted here before a leaf of it comes. The primary also introduces
 * datacenters that came to it later. A description counts only for the cluster that was federated under its name.
 */
import type { Command } from '../../model/command.ts'
import { type Datacenter, type DatacenterFacts, faultOf } from '../../model/datacenter.ts'
import { sameValue } from '../../model/equality.ts'
import type { Failure } from '../../model/errors.ts'
import type { Reply } from '../../rpc/contract.ts'
import { federationShape } from '../../rpc/shape/federation.ts'
import { withoutIndexes } from '../store/row.ts'
import type { View } from '../store/view.ts'
import type { FarRead, FederationSurroundings } from './contract.ts'
import { Following } from './following.ts'
import { type LeaderDutyPorts, whileLeading } from './leader-duty.ts'

export interface AcquaintancePorts extends FederationSurroundings, LeaderDutyPorts {
  readonly read: FarRead
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
}

interface Followed {
  readonly clusterId: string
  readonly following: Following<'federation.facts'>
  isCutTold: boolean
}

export class Acquaintance {
  readonly #ports: AcquaintancePorts
  readonly #followed = new Map<string, Followed>()
  readonly #duty: { stop(): void }

  constructor(ports: AcquaintancePorts) {
    this.#ports = ports
    this.#duty = whileLeading(ports, (view) => this.#look(view))
  }

  stop(): void {
    this.#duty.stop()
  }

  #look(view: View | undefined): void {
    const rows = view?.datacenters() ?? []
    const wanted = new Map(rows.map(({ name, clusterId }) => [name, clusterId]))
    for (const [name, { clusterId, following }] of this.#followed)
      if (wanted.get(name) !== clusterId) {
        following.stop()
        this.#followed.delete(name)
      }
    for (const [name, clusterId] of wanted)
      if (!this.#followed.has(name)) this.#followed.set(name, this.#follow(name, clusterId))
  }

  #follow(datacenter: string, clusterId: string): Followed {
    const question = { datacenter, name: 'federation.facts', args: {} } as const
    const following = new Following(this.#ports, question, {
      answered: (answer, _index, next) => {
        this.#tellRoad(followed, datacenter, undefined)
        const commands = this.#news(datacenter, answer)
        if (commands === undefined) following.startOver()
        else this.#write(commands, following, next)
      },
      failed: (failure) => this.#tellRoad(followed, datacenter, failure),
    })
    const followed: Followed = { clusterId, following, isCutTold: false }
    return followed
  }

  /** What is to be written; undefined where the answer is none that may be believed. */
  #news(datacenter: string, answer: unknown): readonly Command[] | undefined {
    const { store, log } = this.#ports
    const facts = federationShape.safeParse(answer)
    const row = store.view().datacenter(datacenter)
    if (!facts.success || row === undefined || !isOf(row, facts.data.own)) {
      log.error('a datacenter describes itself as another one than was federated', { datacenter })
      return undefined
    }
    const known = { ...facts.data.own, isPrimary: row.isPrimary }
    const introduced = row.isPrimary ? this.#introduced(facts.data.others) : []
    return [known, ...introduced]
      .filter((each) => {
        const before = store.view().datacenter(each.name)
        return before === undefined || !sameValue(withoutIndexes(before), each)
      })
      .map((each) => ({ type: 'datacenter.set', datacenter: each }))
  }

  /** Of others than itself the primary tells what is new here; what they are later, they tell themselves. */
  #introduced(others: readonly DatacenterFacts[]): readonly Datacenter[] {
    const view = this.#ports.store.view()
    const own = view.settings()
    return others
      .filter((each) => each.name !== own?.datacenter && each.clusterId !== own?.clusterId)
      .filter((each) => view.datacenter(each.name) === undefined && faultOf(each) === undefined)
      .map((each) => ({ ...each, isPrimary: false }))
  }

  #write(
    [command, ...rest]: readonly Command[],
    following: Following<'federation.facts'>,
    next: () => void,
  ): void {
    if (command === undefined) {
      next()
      return
    }
    this.#ports.write(command, (result) => {
      if (result.ok) this.#write(rest, following, next)
      else {
        this.#ports.log.warn('what is new of another datacenter could not be written', { ...result.failure })
        following.startOver()
      }
    })
  }

  #tellRoad(followed: Followed, datacenter: string, failure: Failure | undefined): void {
    const { log, metrics } = this.#ports
    metrics.gauge('mesh_federation_reached', failure === undefined ? 1 : 0, { datacenter })
    if (failure === undefined && followed.isCutTold)
      log.info('the datacenter is reached again', { datacenter })
    if (failure !== undefined && !followed.isCutTold)
      log.warn('the datacenter is not reached; what is known of it stays in force', {
        datacenter,
        code: failure.code,
        reason: failure.message,
      })
    followed.isCutTold = failure !== undefined
  }
}

const isOf = (row: Datacenter, facts: DatacenterFacts): boolean =>
  facts.name === row.name && facts.clusterId === row.clusterId && faultOf(facts) === undefined
