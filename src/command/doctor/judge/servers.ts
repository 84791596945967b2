/** Is there a server that this host reaches, is it one of its own mesh, does it let this host in, and do the clocks agree? */
import { errorCatalogue, type Failure } from '../../../model/errors.ts'
import { type FindingCode, isRefusedHostCode } from '../../../model/finding.ts'
import { amiss, type Line, refused, unseen, well } from '../line.ts'

/** What came of going to one server. */
export type ServerOutcome =
  | { readonly kind: 'name-unknown'; readonly reason: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent'; readonly reason: string }
  | { readonly kind: 'not-mesh'; readonly reason: string }
  /** A mesh server, but not one that this host may trust. */
  | { readonly kind: 'foreign'; readonly reason: string }
  | {
      readonly kind: 'answered'
      /** What the server's clock is ahead of ours; undefined where it told no time. */
      readonly aheadMs: number | undefined
      /** It does not let this host read; undefined where it does, or was not asked. */
      readonly refusal: Failure | undefined
    }

export interface ServerFacts {
  /** `host:port`. */
  readonly address: string
  readonly outcome: ServerOutcome
}

export interface ServersFacts {
  readonly servers: readonly ServerFacts[]
  /** This host runs a server of its own. */
  readonly isServer: boolean
}

export function judgeServers({ servers, isServer }: ServersFacts): readonly Line[] {
  if (servers.length === 0)
    return [
      isServer
        ? well('this host runs the first server, so there is none to be reached')
        : unseen(
            'no server is known yet: the configuration names none, and the token that does is to come',
            'mesh enroll',
          ),
    ]
  const someAnswer = servers.some(({ outcome }) => outcome.kind === 'answered')
  const lines = servers.map((server) => judgeServer(server, someAnswer))
  return refusalsOnce([...lines, ...servers.flatMap(judgeRefusal)])
}

function judgeServer({ address, outcome }: ServerFacts, someAnswer: boolean): Line {
  const found = (code: FindingCode, text: string, remedy: string): Line =>
    // What one of several servers lacks does not stop this host.
    someAnswer ? amiss('server-away', text, remedy) : amiss(code, text, remedy)
  switch (outcome.kind) {
    case 'answered':
      return well(`server ${address} answers`)
    case 'name-unknown':
      return found(
        'server-name-unknown',
        `the name of server ${address} leads to no address: ${outcome.reason}`,
        `getent hosts ${hostOf(address)}; correct servers in the configuration, or write an address`,
      )
    case 'refused':
      return found(
        'server-refuses',
        `nothing listens on ${address}, which should be a server`,
        'systemctl start mesh-agent on that host, or correct servers in the configuration',
      )
    case 'silent':
      return found(
        'server-silent',
        `server ${address} does not answer: ${outcome.reason}`,
        'check that its host runs, and that TCP port 8300 passes the firewalls in between',
      )
    case 'not-mesh':
      return found(
        'server-not-mesh',
        `what answers on ${address} is no mesh server: ${outcome.reason}`,
        'correct address and port of servers in the configuration',
      )
    case 'foreign':
      return refused(
        'wrong-cluster',
        `${address} is not a server of this host’s mesh: ${outcome.reason}`,
        'correct servers in the configuration; where the mesh was founded anew, enroll this host again with mesh enroll',
      )
  }
}

function judgeRefusal({ address, outcome }: ServerFacts): readonly Line[] {
  if (outcome.kind !== 'answered' || outcome.refusal === undefined) return []
  const { code, message } = outcome.refusal
  if (!isRefusedHostCode(code))
    return [unseen(`server ${address} gives no answer: ${message}`, `mesh explain ${code}`)]
  return [refused(code, `the servers refuse this host: ${message}`, remedyOfRefusal(code))]
}

/** Every server says the same of a host that it does not let in. */
function refusalsOnce(lines: readonly Line[]): readonly Line[] {
  const said = new Set<string>()
  return lines.filter(({ code }) => {
    if (code !== 'host-evicted' && code !== 'not-enrolled') return true
    const isFirst = !said.has(code)
    said.add(code)
    return isFirst
  })
}

/** Of a refused host, the line to type; the catalogue has the same in general. */
export function remedyOfRefusal(code: string): string {
  const create = 'mesh token create -node NAME -service SERVICE on a server'
  switch (code) {
    case 'host-evicted':
    case 'not-enrolled':
    case 'token-unknown':
    case 'token-used':
    case 'token-expired':
      return `${create}, then mesh enroll here with that token`
    case 'node-name-taken':
      return 'mesh node evict NAME on a server where the other host is gone, or another node_name here'
    default:
      return isRefusedHostCode(code) ? errorCatalogue[code].remedy : `mesh explain ${code}`
  }
}

const hostOf = (address: string): string => address.replace(/:\d+$/, '')

export interface ClockFacts {
  readonly servers: readonly ServerFacts[]
  /** A container has the clock of its machine. */
  readonly isContainer: boolean
  /** By systemd; undefined where it cannot be asked. */
  readonly isSynchronised: boolean | undefined
}

/** Beyond the first, times in logs and tokens mislead; beyond the second, certificates soon seem not to be valid. */
const offMs = 30_000
const farOffMs = 600_000

export function judgeClock({ servers, isContainer, isSynchronised }: ClockFacts): readonly Line[] {
  const known = servers.flatMap(({ address, outcome }) =>
    outcome.kind === 'answered' && outcome.aheadMs !== undefined
      ? [{ address, aheadMs: outcome.aheadMs }]
      : [],
  )
  const off = known.filter(({ aheadMs }) => Math.abs(aheadMs) > offMs)
  const [first] = off
  // Where most servers agree with this host, it is the server's clock that is wrong, and no fault of this host.
  if (first !== undefined && off.length * 2 >= known.length)
    return [
      amiss(
        'clock-off',
        `the clock of this host is ${spell(Math.abs(first.aheadMs))} ${first.aheadMs > 0 ? 'behind' : 'ahead of'} that of server ${first.address}`,
        'timedatectl set-ntp true, on whichever of the two is wrong; date -u shows the time',
        Math.abs(first.aheadMs) > farOffMs ? 'wrong' : 'warning',
      ),
    ]
  if (known.length > 0)
    return [well(`the clock agrees with ${known.length === 1 ? 'the server' : `${known.length} servers`}`)]
  if (isContainer) return [well('the clock is the one of the machine below this container')]
  if (isSynchronised === undefined) return [unseen('nobody could be asked for the time', 'timedatectl')]
  return isSynchronised
    ? [well('the clock is kept by a time service')]
    : [amiss('clock-unsynchronised', 'no time service keeps the clock', 'timedatectl set-ntp true')]
}

function spell(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} seconds`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`
}

export interface GossipFacts {
  /** `host:port` of another host's gossip; undefined where none is known. */
  readonly peer: string | undefined
  readonly isReached: boolean
  readonly reason: string
}

export function judgeGossip({ peer, isReached, reason }: GossipFacts): readonly Line[] {
  if (peer === undefined) return []
  if (isReached) return [well(`the gossip of ${peer} is reached`)]
  return [
    amiss(
      'gossip-refuses',
      `the gossip port ${peer} cannot be reached: ${reason}`,
      'let TCP and UDP port 8301 pass between all hosts, and check that mesh-agent runs there',
    ),
  ]
}
