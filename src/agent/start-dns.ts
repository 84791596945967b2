/** The agent's DNS among its rooms: what it is given, and how it hears that the settings changed. */
import type { Configuration, Settings } from '../config/settings.ts'
import type { Result } from '../model/errors.ts'
import type { Subject } from '../model/topic.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { ServerClient } from '../rpc/contract.ts'
import type { ControlStream } from './control/control-stream.ts'
import type { ViewStore } from './control/view-store.ts'
import { createDns, type RunningDns, serveDns } from './dns/serve.ts'
import { localNode } from './registry/local-node.ts'

export interface DnsSurroundings {
  readonly configuration: Configuration
  readonly nodeId: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface DnsRooms {
  readonly views: ViewStore
  readonly want: (subjects: readonly Subject[]) => void
  readonly read: ServerClient['read']
  readonly control: Pick<ControlStream, 'server'>
  /** In force now. */
  readonly settings: () => Settings
}

export interface AgentDns {
  /** Listens where the settings say. */
  listen(): Promise<Result<RunningDns>>
  settingsChanged(): void
}

export function openDns(surroundings: DnsSurroundings, rooms: DnsRooms): AgentDns {
  const { dnsAddresses, dnsDomains, ports, datacenter } = surroundings.configuration.settings
  const { settings, control } = rooms
  const options = {
    ...surroundings,
    ...rooms,
    addresses: dnsAddresses,
    port: ports.dns,
    domains: dnsDomains,
    datacenter,
    settings: () => settings().dns,
    ownNode: () => localNode(settings(), surroundings.nodeId),
    connected: () => control.server() !== undefined,
  }
  const dns = createDns(options)
  return { listen: () => serveDns(options, dns), settingsChanged: () => dns.settingsChanged() }
}
