/**
 * One examination of this host: looks at everything at once (look/), has it judged (judge/), and puts the lines into groups
 * in the order in which a fault of one explains those of the next.
 */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { splitHostPort } from '../../config/address.ts'
import type { Configuration, Settings } from '../../config/settings.ts'
import { limits } from '../../model/limits.ts'
import { version } from '../version.ts'
import { judgeAddresses } from './judge/addresses.ts'
import { judgeConfiguration } from './judge/configuration.ts'
import { judgeIdentity } from './judge/identity.ts'
import { judgeCluster, judgeRunning, judgeServices } from './judge/mesh.ts'
import { type HeldPort, judgePorts, neededPorts, type ProgramName } from './judge/ports.ts'
import { judgePrograms } from './judge/programs.ts'
import { judgeClock, judgeGossip, judgeServers } from './judge/servers.ts'
import { judgeDisk, judgeSocketFolders, judgeStateFolder } from './judge/state.ts'
import { type Line, unseen } from './line.ts'
import { lookAtConfiguration } from './look/configuration.ts'
import { type IdentityLook, lookAtIdentity } from './look/identity.ts'
import { diskOf } from './look/paths.ts'
import { findPeople, type People } from './look/people.ts'
import { askPrograms, type RunningLook } from './look/running.ts'
import { visitGossip, visitServer } from './look/servers.ts'
import { heldPorts } from './look/sockets.ts'
import { judgeFormat, socketFolders, stateFolders } from './look/state.ts'
import { askClock, askSystemd, type SystemdFacts } from './look/units.ts'

export interface Examination {
  readonly configurationPath: string
  /** Before the first start: nothing has to run, nobody has to know this host. */
  readonly isBefore: boolean
}

export interface Group {
  readonly name: string
  readonly lines: readonly Line[]
}

/** Takes at most about ten seconds, whatever hangs. */
export async function examine(asked: Examination): Promise<readonly Group[]> {
  const { facts, configuration: read, otherwise } = lookAtConfiguration(asked.configurationPath)
  const people = findPeople()
  const wanted = programsOf(read)
  const readers = people.isPackaged ? [...wanted].map((program) => people.of[program]) : []
  const ofConfiguration = judgeConfiguration(facts, readers)
  const isUnwritten = ofConfiguration.some(({ code }) => code === 'config-missing')
  // Defaults that nobody chose would only be found wanting.
  const configuration = isUnwritten ? undefined : read
  const isBefore = asked.isBefore || isUnwritten
  const systemd = people.isPackaged ? askSystemd() : Promise.resolve(undefined)
  const settings = configuration?.settings ?? otherwise?.settings
  const state = settings === undefined ? [] : judgeState(settings, wanted, people)
  const groups: Group[] = [
    { name: 'configuration', lines: ofConfiguration },
    { name: 'state', lines: [...people.missing, ...state] },
  ]
  const host = { people, isBefore, wanted, systemd }
  if (configuration === undefined) groups.push({ name: 'programs', lines: programLines(await systemd, host) })
  else groups.push(...(await examineConfigured(configuration, host)))
  return groups.filter(({ lines }) => lines.length > 0)
}

interface HostFacts {
  readonly people: People
  readonly isBefore: boolean
  readonly wanted: ReadonlySet<ProgramName>
  readonly systemd: Promise<SystemdFacts | undefined>
}

function programsOf(configuration: Configuration | undefined): ReadonlySet<ProgramName> {
  return new Set(configuration?.settings.server === true ? ['agent', 'server', 'proxy'] : ['agent', 'proxy'])
}

const judgeState = (
  settings: Settings,
  wanted: ReadonlySet<ProgramName>,
  people: People,
): readonly Line[] => [
  ...stateFolders(settings, wanted, people).flatMap(judgeStateFolder),
  ...(people.isPackaged ? judgeSocketFolders(socketFolders(people.accounts)) : []),
  ...judgeDisk(diskOf(settings.dataDirectory)),
  ...judgeFormat(settings),
]

const programLines = (
  systemd: SystemdFacts | undefined,
  { isBefore, wanted, people }: HostFacts,
): readonly Line[] =>
  people.isPackaged
    ? judgePrograms({ units: systemd?.units, systemdVersion: systemd?.version, wanted, isBefore })
    : [unseen('the package is not installed, so there are no units to look at', 'ps -ef | grep mesh')]

/** What can be said only where the configuration says what is wanted. */
async function examineConfigured(configuration: Configuration, host: HostFacts): Promise<readonly Group[]> {
  const { settings } = configuration
  const identity = lookAtIdentity(settings)
  const held = heldPorts()
  const own = ownAddresses()
  const addresses = serversOf(settings, identity, { own, isBefore: host.isBefore })
  const gossipHost = addresses.map(hostOf).find((address) => !own.includes(address))
  const [servers, gossip, clock, systemd, running] = await Promise.all([
    Promise.all(addresses.map((address) => visitServer(address, identity.shown))),
    visitGossip(gossipHost, settings.gossip.port),
    askClock(),
    host.systemd,
    host.isBefore ? undefined : askPrograms(settings),
  ])
  const someAnswer = servers.some(({ outcome }) => outcome.kind === 'answered')
  return [
    {
      name: 'network',
      lines: [
        ...judgeAddresses({ settings, own, servers: addresses }),
        ...judgePorts({
          needed: neededPorts(settings, configuration.definitions.services),
          held,
          accounts: host.people.of,
          firstUnprivileged: firstUnprivilegedPort(),
        }),
        // Of hosts that are away altogether the servers' lines tell.
        ...(someAnswer ? judgeGossip(gossip) : []),
      ],
    },
    {
      name: 'servers',
      lines: [...judgeServers({ servers, isServer: settings.server }), ...judgeClock({ servers, ...clock })],
    },
    { name: 'identity', lines: identityLines(settings, identity, host) },
    { name: 'programs', lines: programLines(systemd, host) },
    ...(running === undefined ? [] : runningGroups(configuration, { running, systemd, held, own })),
  ]
}

const identityLines = (
  settings: Settings,
  { folder, stored, token }: IdentityLook,
  { isBefore, people }: HostFacts,
): readonly Line[] =>
  judgeIdentity({
    nodeName: settings.nodeName,
    datacenter: settings.datacenter,
    isServer: settings.server,
    isBefore,
    folder,
    stored,
    nowMs: Date.now(),
    agent: people.of.agent,
    token,
  })

interface Running {
  readonly running: RunningLook
  readonly systemd: SystemdFacts | undefined
  readonly held: readonly HeldPort[] | undefined
  readonly own: readonly string[]
}

function runningGroups(
  { settings }: Configuration,
  { running, systemd, held, own }: Running,
): readonly Group[] {
  const { host, status, servers, rules } = running
  const agent = systemd?.units.find(({ program }) => program === 'agent')
  const state = 'value' in host ? host.value : undefined
  return [
    {
      name: 'mesh',
      lines: [
        ...judgeRunning({
          host,
          isAgentUp: agent === undefined || agent.active === 'active',
          installedVersion: version,
        }),
        ...judgeCluster({
          status,
          servers,
          rules,
          isDenying: settings.defaultIntentionAction === 'deny',
          hasServices: state?.Services.some(({ ProxyPort }) => ProxyPort > 0) === true,
          installedVersion: version,
        }),
      ],
    },
    {
      name: 'services',
      lines:
        state === undefined
          ? []
          : judgeServices(state, (address, port) => isHeard(held, own, { address, port })),
    },
  ]
}

/** Undefined where this host cannot tell: the service is elsewhere, or the kernel's tables are closed. */
function isHeard(
  held: readonly HeldPort[] | undefined,
  own: readonly string[],
  { address, port }: { readonly address: string; readonly port: number },
): boolean | undefined {
  if (held === undefined || (address !== '' && !own.includes(address))) return undefined
  return held.some((row) => row.port === port)
}

function serversOf(
  settings: Settings,
  identity: IdentityLook,
  { own, isBefore }: { readonly own: readonly string[]; readonly isBefore: boolean },
): readonly string[] {
  const all = [...new Set([...settings.servers, ...identity.servers])]
  const isOwn = (address: string): boolean => settings.server && own.includes(hostOf(address))
  return all.filter((address) => !(isBefore && isOwn(address))).slice(0, limits.doctorServers)
}

const hostOf = (address: string): string => splitHostPort(address)?.host ?? address

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))

const usualFirstUnprivileged = 1_024

function firstUnprivilegedPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return usualFirstUnprivileged
  }
}
