/**
 * The agent's DNS server: puts its parts together and listens on every address, UDP and TCP. All of them or none: a resolver
 * that finds one of two would fail now and then, which is worse than a clear error at start.
 */
import type { DnsSettings } from '../../config/dns-settings.ts'
import { ok, type Result } from '../../model/errors.ts'
import type { Node } from '../../model/node.ts'
import type { Subject } from '../../model/topic.ts'
import type { Clock, Log, Metrics, Random } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import type { Views } from '../contract.ts'
import { Aliases } from './aliases.ts'
import { FollowedServices } from './followed-services.ts'
import { Handler } from './handler.ts'
import { Packets } from './packets.ts'
import { Recursion } from './recursion.ts'
import { RememberedReads } from './remembered-reads.ts'
import { Resolver } from './resolver.ts'
import { Tally } from './tally.ts'
import { listenOnTcp } from './tcp.ts'
import { type Listening, listenOnUdp } from './udp.ts'

export interface DnsOptions {
  readonly addresses: readonly string[]
  /** -1: DNS is off; 0: any free one. */
  readonly port: number
  readonly domains: readonly string[]
  readonly datacenter: string
  /** In force now; they may change. */
  readonly settings: () => DnsSettings
  readonly ownNode: () => Node
  readonly views: Pick<Views, 'view' | 'onChange'> & {
    readonly ageMs: (subject: Subject) => number | undefined
  }
  readonly want: (subjects: readonly Subject[]) => void
  readonly read: ServerClient['read']
  /** The agent has a server now. */
  readonly connected: () => boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface RunningDns {
  /** Port of each address, in their order. */
  readonly ports: readonly number[]
  close(): Promise<void>
}

/** What answers, without a socket. */
export interface DnsAnswering {
  readonly handler: Handler
  /** The settings changed. */
  settingsChanged(): void
  stop(): void
}

export function createDns(options: DnsOptions): DnsAnswering {
  const { domains, datacenter, settings, views } = options
  const [mainDomain = 'mesh'] = domains
  const names = { domains, datacenter: datacenter.toLowerCase() }
  const reads = new RememberedReads({ ...options, staleness: settings })
  const services = new FollowedServices({ ...options, reads, staleness: settings })
  const isCaseSensitive = (): boolean => settings().disableCompression
  const packets = new Packets({ ...options, isCaseSensitive })
  const tally = new Tally(options)
  const recursion = new Recursion(options)
  const resolver = new Resolver({ ...options, datacenter: names.datacenter, services, reads, mainDomain })
  const aliases = new Aliases({ names, resolver, recursion })
  const parts = { names, resolver, recursion, aliases, packets, tally }
  views.onChange((subject) => packets.forget(subject))
  return {
    handler: new Handler({ ...options, ...parts }),
    settingsChanged: () => packets.clear(),
    stop: () => {
      recursion.stop()
      reads.stop()
      tally.flush()
    },
  }
}

/** Listens; a failure names the address. */
export async function serveDns(options: DnsOptions, answering: DnsAnswering): Promise<Result<RunningDns>> {
  const { handler } = answering
  const listening: Listening[] = []
  const ports: number[] = []
  const close = async (): Promise<void> => {
    answering.stop()
    await Promise.all(listening.map((one) => one.close()))
  }
  const addresses = options.port < 0 ? [] : [...new Set(options.addresses.map(plainAddress))]
  for (const address of addresses) {
    const udp = await listenOnUdp({ ...options, address, handler })
    const tcp = udp.ok ? await listenOnTcp({ ...options, address, port: udp.value.port, handler }) : udp
    if (udp.ok) listening.push(udp.value)
    if (!tcp.ok) {
      await close()
      return tcp
    }
    listening.push(tcp.value)
    ports.push(tcp.value.port)
  }
  return ok({ ports, close })
}

const plainAddress = (address: string): string => (address === 'localhost' ? '127.0.0.1' : address)
