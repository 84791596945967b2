/**
 * One probe of one member: ping, then with the help of others and over a stream, then judgement (SWIM section 3.1 with
 * Lifeguard's nacks). Whose turn it is stands in probing.ts.
 */
import type { Ack, GossipMessage } from '../model/gossip-message.ts'
import type { LocalView } from './local-view.ts'
import type { Member } from './roster.ts'
import { hearSuspect } from './suspect-claim.ts'
import type { Probe } from './under-way.ts'

/** Pings `member`; one that is accused is told so in the same packet, and its answer carries the refutation. */
export function startProbe(view: LocalView, member: Member, isInTurn: boolean): void {
  const { parameters, nowMs, self } = view
  const sequence = view.nextSequence()
  const { incarnation, name: node } = member
  view.probes.push({
    sequence,
    member,
    incarnation,
    sentAtMs: nowMs,
    isTimed: true,
    helpAtMs: nowMs + parameters.probeTimeoutMs,
    deadlineMs: nowMs + view.awareness.scaleMs(parameters.probeIntervalMs),
    nacksExpected: 0,
    nacks: 0,
    isStreamAnswered: false,
    isInTurn,
  })
  const isAccused = !isInTurn || member.status === 'suspect'
  const messages: GossipMessage[] = isAccused ? [{ type: 'suspect', incarnation, node, from: self.name }] : []
  messages.push({ type: 'ping', sequence, node, source: view.source })
  view.sendAll(member.record, messages)
}

/** Asks for help or judges, for all probes where it is time. */
export function pursueProbes(view: LocalView): void {
  const { probes, nowMs } = view
  for (let at = 0; at < probes.length; at += 1) {
    const probe = probes[at]
    if (probe === undefined) return
    if (nowMs >= probe.deadlineMs) {
      probes.splice(at, 1)
      at -= 1
      judge(view, probe)
    } else if (nowMs >= probe.helpAtMs) askForHelp(view, probe)
  }
}

function askForHelp(view: LocalView, probe: Probe): void {
  const { member, sequence } = probe
  const { name: node, record: target } = member
  probe.helpAtMs = Number.POSITIVE_INFINITY
  const source = view.source
  const helpers = view.roster.pick(
    view.parameters.indirectChecks,
    (other) => other !== view.self && other !== member && other.status === 'alive',
  )
  for (const helper of helpers) {
    const wantsNack = helper.record.versions[1] >= nackVersion
    if (wantsNack) probe.nacksExpected += 1
    view.send(helper.record, { type: 'indirect-ping', sequence, target, node, wantsNack, source })
  }
  if (target.versions[1] >= streamPingVersion)
    view.effects.pingByStream(target, { type: 'ping', sequence, node, source }, probe.deadlineMs - view.nowMs)
}

/** Versions of the protocol from which a member answers pings over streams, and sends nacks. */
const streamPingVersion = 3
const nackVersion = 4

function judge(view: LocalView, probe: Probe): void {
  const { member, incarnation } = probe
  if (probe.isStreamAnswered) {
    view.effects.notify({ type: 'stream-only', member })
    return
  }
  // Helpers that are well say at least that they had no success; if even they are silent, we are the one who is unwell.
  view.awareness.change(probe.nacksExpected > 0 ? probe.nacksExpected - probe.nacks : 1)
  hearSuspect(view, { type: 'suspect', incarnation, node: member.name, from: view.self.name })
}

/** False if the answer belongs to no probe of ours. */
export function hearAck(view: LocalView, ack: Ack): boolean {
  const { probes, nowMs } = view
  const at = probes.findIndex((probe) => probe.sequence === ack.sequence)
  const probe = probes[at]
  if (probe === undefined) return false
  probes.splice(at, 1)
  // After help was asked for, nobody knows whose way the answer came.
  if (probe.helpAtMs === Number.POSITIVE_INFINITY) return true
  view.awareness.change(-1)
  if (probe.isTimed) {
    const { member, sentAtMs } = probe
    const roundTripMs = nowMs - sentAtMs
    view.effects.notify({ type: 'probed', member, roundTripMs, payload: ack.payload })
  }
  return true
}

export function hearNack(view: LocalView, sequence: number): void {
  const probe = view.probes.find((one) => one.sequence === sequence)
  if (probe !== undefined && probe.nacks < probe.nacksExpected) probe.nacks += 1
}

export function hearStreamAck(view: LocalView, sequence: number): void {
  const probe = view.probes.find((one) => one.sequence === sequence)
  if (probe === undefined || probe.isStreamAnswered) return
  const { member } = probe
  probe.isStreamAnswered = true
  // It hears no datagrams, so nobody could tell it that it is accused; in an exchange it hears it, and refutes.
  if (member.status === 'suspect') view.effects.exchange(member.record, member.name, false)
}

/** When the next of our probes wants attention. */
export function nextProbeMs(view: LocalView): number {
  let next = Number.POSITIVE_INFINITY
  for (const { helpAtMs, deadlineMs } of view.probes) next = Math.min(next, helpAtMs, deadlineMs)
  return next
}
