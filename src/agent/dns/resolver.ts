/**
 * Answers questions about our own names from what the agent knows: services, nodes, addresses, the zone itself. Knows
 * records and sources, not packets (handler.ts) and not other name servers (recursion.ts).
 */
import type { DnsSettings } from '../../config/dns-settings.ts'
import { unreachable } from '../../model/errors.ts'
import type { Node } from '../../model/node.ts'
import { type ServiceEntry, serverServiceId } from '../../model/service.ts'
import type { Clock, Random } from '../../platform/ports.ts'
import { addressText } from '../../wire/dns/address.ts'
import { rcodes, recordTypes } from '../../wire/dns/codes.ts'
import { isWritableName } from '../../wire/dns/message.ts'
import type { DnsAnswer, DnsRecord } from '../../wire/dns/record.ts'
import type { FollowedServices } from './followed-services.ts'
import type { Deliver, Found } from './found.ts'
import type { Lookup } from './lookup.ts'
import { alone, nameServer, nodeAnswers, pick } from './node-answers.ts'
import { addressRecord } from './node-records.ts'
import { type Outcome, type Question, servFail } from './outcome.ts'
import type { RememberedReads } from './remembered-reads.ts'
import { serviceAnswers, shownInstances } from './service-records.ts'
import { nodeName, serviceTtlSeconds, soaRecord, type Zone } from './zone.ts'

export interface ResolverOptions {
  readonly services: FollowedServices
  readonly reads: RememberedReads
  /** This host as the catalog shows it: known without any server. */
  readonly ownNode: () => Node
  readonly datacenter: string
  /** In names that nobody asked for, as in answers about addresses. */
  readonly mainDomain: string
  readonly settings: () => DnsSettings
  readonly clock: Pick<Clock, 'wallMs'>
  readonly random: Pick<Random, 'fraction'>
}

type Done = (outcome: Outcome) => void

/** Name servers told of: more would only make the answer larger. */
const nameServersShown = 3

export class Resolver {
  readonly #options: ResolverOptions

  constructor(options: ResolverOptions) {
    this.#options = options
  }

  /** `domain` is one of ours. Calls back once, perhaps inside the call. */
  resolve(
    question: Question,
    { lookup, domain, elsewhere }: { lookup: Lookup; domain: string; elsewhere: string },
    done: Done,
  ): void {
    const zone = this.#zone(domain, elsewhere)
    switch (lookup.kind) {
      case 'service':
      case 'mesh':
        this.#service(question, lookup, zone, done)
        return
      case 'virtual':
        this.#virtual(question, lookup.service, zone, done)
        return
      case 'node':
        this.#node(question, lookup.node, zone, done)
        return
      case 'address': {
        const address = addressText(lookup.address)
        const ttlSeconds = zone.settings.nodeTtlSeconds
        const record = addressRecord(question.name, address, ttlSeconds)
        done(this.#made(zone, pick(question.type, record)))
        return
      }
      case 'apex':
        this.#apex(question, zone, done)
        return
      case 'name-server': {
        const { address } = this.#options.ownNode()
        const record = addressRecord(question.name, address, zone.settings.nodeTtlSeconds)
        done(this.#made(zone, pick(question.type, record)))
        return
      }
      case 'absent':
        done(this.#absent(zone))
        return
      default:
        unreachable(lookup)
    }
  }

  /** Who has this address: undefined where the catalog does not know. */
  reverse({ name, type }: Question, address: Uint8Array, done: (outcome: Outcome | undefined) => void): void {
    const { reads, mainDomain } = this.#options
    const zone = this.#zone(mainDomain)
    const question = { name: 'catalog.address', args: { address: addressText(address) } } as const
    const isNone = ({
      nodes,
      services,
    }: {
      nodes: readonly string[]
      services: readonly string[]
    }): boolean => nodes.length + services.length === 0
    reads.find(question, isNone, (found) => {
      if (found.kind === 'failed') return done(servFail(found.reason))
      if (isNone(found.value)) return done(undefined)
      const { datacenter } = zone
      const targets = [
        ...found.value.nodes.flatMap((node) => nodeName(zone, node) ?? []),
        ...found.value.services
          .map((service) => `${service}.service.${datacenter}.${mainDomain}`)
          .filter(isWritableName),
      ]
      const ttlSeconds = zone.settings.nodeTtlSeconds
      const records = targets.map((target): DnsRecord => ({ type: 'PTR', name, ttlSeconds, target }))
      const isAsked = type === recordTypes.PTR || type === recordTypes.ANY
      done({ ...this.#made(zone, isAsked ? records.map(alone) : []), keepMs: found.keepMs })
    })
  }

  #service(question: Question, lookup: Lookup & { kind: 'service' | 'mesh' }, zone: Zone, done: Done): void {
    const { tag } = lookup
    this.#instances(lookup.kind, lookup.service, zone, (found) => {
      if (found.kind === 'failed') return done(servFail(found.reason))
      const shown = shownInstances(found.value, { tag, zone })
      if (shown.length === 0) return done(this.#about(found, this.#absent(zone)))
      const answers = serviceAnswers(shown, { ...question, service: lookup.service, tag, zone })
      done(this.#about(found, this.#made(zone, answers)))
    })
  }

  /** An address that stands for the whole service, where one was given to it. */
  #virtual(question: Question, service: string, zone: Zone, done: Done): void {
    this.#instances('service', service, zone, (found) => {
      if (found.kind === 'failed') return done(servFail(found.reason))
      const address = found.value
        .map((entry) => entry.service.taggedAddresses['consul-virtual']?.address ?? '')
        .find((given) => given !== '')
      if (address === undefined) return done(this.#about(found, this.#absent(zone)))
      const record = addressRecord(question.name, address, serviceTtlSeconds(zone.settings, service))
      done(this.#about(found, this.#made(zone, pick(question.type, record))))
    })
  }

  #node(question: Question, name: string, zone: Zone, done: Done): void {
    const own = this.#options.ownNode()
    const elsewhere = this.#placeOf(zone)
    if (elsewhere === undefined && own.name.toLowerCase() === name.toLowerCase()) {
      done({ ...this.#made(zone, nodeAnswers(question, own, zone)), keepMs: keepOwnMs })
      return
    }
    this.#inEitherCase<Node | undefined>(
      name,
      (spelling, deliver) =>
        this.#options.reads.find(
          { name: 'catalog.node', args: { node: spelling }, ...placed(elsewhere, null) },
          (answer) => answer === null,
          (found) => deliver(found.kind === 'failed' ? found : { ...found, value: found.value?.node }),
        ),
      (node) => node === undefined,
      (found) => {
        if (found.kind === 'failed') done(servFail(found.reason))
        else if (found.value === undefined) done(this.#about(found, this.#absent(zone)))
        else done(this.#about(found, this.#made(zone, nodeAnswers(question, found.value, zone))))
      },
    )
  }

  #apex({ type }: Question, zone: Zone, done: Done): void {
    const soa = alone(soaRecord(zone, this.#serial()))
    if (type !== recordTypes.NS && type !== recordTypes.ANY) {
      done(this.#made(zone, type === recordTypes.SOA ? [soa] : []))
      return
    }
    this.#options.services.find('service', serverServiceId, (found) => {
      const servers = found.kind === 'failed' ? [] : shownInstances(found.value, { tag: '', zone })
      const names = servers.flatMap(({ node }) => nameServer(node, zone) ?? [])
      const order = names.map((answer) => ({ answer, place: this.#options.random.fraction() }))
      const chosen = order.sort((a, b) => a.place - b.place).slice(0, nameServersShown)
      const answers = chosen.map(({ answer }) => answer)
      const made = this.#made(zone, type === recordTypes.ANY ? [soa, ...answers] : answers)
      done(found.kind === 'failed' ? made : this.#about(found, made))
    })
  }

  #instances(
    kind: 'service' | 'mesh',
    service: string,
    zone: Zone,
    done: Deliver<readonly ServiceEntry[]>,
  ): void {
    const { services, reads } = this.#options
    const elsewhere = this.#placeOf(zone)
    this.#inEitherCase<readonly ServiceEntry[]>(
      service,
      (spelling, deliver) => {
        if (elsewhere === undefined) return services.find(kind, spelling, deliver)
        const name = kind === 'mesh' ? 'catalog.mesh' : 'catalog.service'
        const args = { service: spelling, tags: [], nodeMeta: {} }
        reads.find({ name, args, ...placed(elsewhere, []) }, (entries) => entries.length === 0, deliver)
      },
      (entries) => entries.length === 0,
      done,
    )
  }

  /** DNS does not tell letters apart, the catalog does: small ones first, then as asked. */
  #inEitherCase<Value>(
    name: string,
    find: (spelling: string, deliver: Deliver<Value>) => void,
    isNone: (value: Value) => boolean,
    done: Deliver<Value>,
  ): void {
    const lower = name.toLowerCase()
    find(lower, (found) => {
      if (lower === name || found.kind === 'failed' || !isNone(found.value)) done(found)
      else find(name, done)
    })
  }

  #zone(domain: string, elsewhere = ''): Zone {
    const datacenter = elsewhere === '' ? this.#options.datacenter : elsewhere
    return { domain, datacenter, settings: this.#options.settings() }
  }

  /** The zone's datacenter, where that is another one than ours. */
  #placeOf({ datacenter }: Zone): string | undefined {
    return datacenter === this.#options.datacenter ? undefined : datacenter
  }

  #serial(): number {
    return Math.floor(this.#options.clock.wallMs() / 1_000)
  }

  #about(found: Found<unknown> & { kind: 'found' }, outcome: Outcome): Outcome {
    const { keepMs, subject } = found
    return { ...outcome, keepMs, ...(subject === undefined ? {} : { subject }) }
  }

  /** An answer; without records, that there is the name and nothing of this type. */
  #made(zone: Zone, answers: readonly DnsAnswer[]): Outcome {
    const authority = answers.length === 0 ? [soaRecord(zone, this.#serial())] : []
    return { rcode: rcodes.noError, answers, authority, keepMs: 0 }
  }

  #absent(zone: Zone): Outcome {
    const authority = [soaRecord(zone, this.#serial())]
    return { rcode: rcodes.nxDomain, answers: [], authority, keepMs: 0 }
  }
}

/** Where a question is asked, and what it is answered where there is no such datacenter. */
const placed = <None>(datacenter: string | undefined, none: None) =>
  datacenter === undefined ? {} : { elsewhere: { datacenter, none } }

/** How long answers about this host itself are repeated; its labels may change with its configuration. */
const keepOwnMs = 1_000
