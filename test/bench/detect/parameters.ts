// What both sides go by: our parameters as the pool is opened with them, and serf's as they stand in the source that Debian
// builds it from. A measurement with different ones would compare nothing.
import { readFileSync } from 'node:fs'
import { lanTiming } from '../../../src/membership/timing.ts'
import { debianProgram } from '../../peers/debian.ts'

const source = 'usr/share/gocode/src/github.com/hashicorp/memberlist/config.go'
const packageName = 'golang-github-hashicorp-memberlist-dev'

export interface Parameter {
  readonly name: string
  readonly ours: number
  /** Undefined: the source cannot be had here; NaN: it does not say. */
  readonly theirs: number | undefined
}

/** Durations in milliseconds. */
export function lanParametersOfBoth(): readonly Parameter[] {
  const { swim, streamTimeoutMs } = lanTiming
  const ours: Readonly<Record<string, number>> = {
    ProbeInterval: swim.probeIntervalMs,
    ProbeTimeout: swim.probeTimeoutMs,
    IndirectChecks: swim.indirectChecks,
    SuspicionMult: swim.suspicionMultiplier,
    SuspicionMaxTimeoutMult: swim.suspicionMaxMultiplier,
    AwarenessMaxMultiplier: swim.awarenessMax,
    GossipInterval: swim.gossipIntervalMs,
    GossipNodes: swim.gossipNodes,
    GossipToTheDeadTime: swim.gossipToTheDeadMs,
    RetransmitMult: swim.retransmitMultiplier,
    PushPullInterval: swim.pushPullIntervalMs,
    TCPTimeout: streamTimeoutMs,
    UDPBufferSize: swim.packetBytes,
  }
  const file = debianProgram(packageName, source)
  const theirs = file === undefined ? undefined : lanDefaults(readFileSync(file.path, 'utf8'))
  return Object.entries(ours).map(([name, value]) => ({
    name,
    ours: value,
    theirs: theirs === undefined ? undefined : (theirs.get(name) ?? Number.NaN),
  }))
}

const unitsMs: Readonly<Record<string, number>> = { Millisecond: 1, Second: 1_000 }

function lanDefaults(text: string): ReadonlyMap<string, number> {
  const body = /func DefaultLANConfig\(\)[\s\S]*?\n}/.exec(text)?.[0] ?? ''
  const lines = body.matchAll(/^\s*(\w+):\s+(\d+)(?: \* time\.(\w+))?,/gm)
  return new Map(
    [...lines].map(([, name = '', count, unit]) => [name, Number(count) * (unitsMs[unit ?? ''] ?? 1)]),
  )
}
