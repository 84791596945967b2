/**
 * Traffic that goes on inside a host while a test does harm: requests through the mesh and writes through the agent, and what
 * became of them since any moment. The client itself is inside/load-client.ts.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { eventually } from './steps.ts'
import type { Host } from './testbed.ts'

/** A lane, and where it goes: `{ web: { url, perSecond } }`. */
export type Lanes = Readonly<Record<string, { readonly url: string; readonly perSecond: number }>>

export interface LaneReport {
  readonly sent: number
  /** How often each answer came, by its text. */
  readonly answers: Readonly<Record<string, number>>
  /** How often there was none, by the reason that the client saw. */
  readonly failures: Readonly<Record<string, number>>
  /** Of all requests so far. */
  readonly slowestMs: number
}

export type Report = Readonly<Record<string, LaneReport>>

/** As a report, of a stretch of time. */
export type Seen = Report

const program = join(import.meta.dirname, 'inside/load-client.ts')
const reportFile = '/run/load.json'
/** On disk, so that what was acknowledged is known after the client's own host was off. */
const ledger = '/root/acknowledged'
const operatorToken = '/root/operator.token'

export class Load {
  readonly #host: Host

  private constructor(host: Host) {
    this.#host = host
  }

  /** `writesPerSecond` keys are put through the host's agent, with the operator token that lies in /root/operator.token. */
  static async start(host: Host, lanes: Lanes, writesPerSecond = 0): Promise<Load> {
    const targets = Object.entries(lanes).map(([name, { url, perSecond }]) => `${name}=${url}@${perSecond}`)
    if (writesPerSecond > 0)
      targets.push(`writes=http://127.0.0.1:8500@${writesPerSecond},${operatorToken},${ledger}`)
    await host.push(program, '/root/load-client.ts')
    await host.exec('rm', '-f', reportFile)
    await host.exec(
      'systemd-run',
      '--unit=load',
      '--collect',
      '/usr/lib/mesh-agent/node',
      '/root/load-client.ts',
      reportFile,
      ...targets,
    )
    const load = new Load(host)
    await eventually(() => load.report())
    return load
  }

  async report(): Promise<Report> {
    return JSON.parse(await this.#host.exec('cat', reportFile)) as Report
  }

  /** Lets what is under way end, and tells the whole. */
  async stop(): Promise<Report> {
    await this.#host.exec('systemctl', 'stop', 'load')
    return this.report()
  }

  /**
   * Does `harm`, then waits until `lane` gets answers again and whatever was under way during the harm has come to an end.
   * What each lane saw from just before on.
   */
  async during(lane: string, harm: () => Promise<unknown>): Promise<Seen> {
    const before = await this.report()
    await harm()
    await this.flows(lane, 50)
    const harmed = await this.report()
    const after = await eventually(async () => {
      const now = await this.report()
      for (const name of Object.keys(now)) {
        const ended = (report: Report): number => answersOf(report[name]) + failuresOf(report[name])
        ok(ended(now) >= (harmed[name]?.sent ?? 0), `requests of lane ${name} have no outcome yet`)
      }
      return now
    })
    return Object.fromEntries(Object.keys(after).map((name) => [name, between(before, after, name)]))
  }

  /** Waits until a lane has had `more` answers from now on: that the mesh carries, or takes writes, again. */
  async flows(lane: string, more = 20, deadlineMs = 30_000): Promise<void> {
    const before = answersOf((await this.report())[lane])
    await eventually(async () => {
      const now = await this.report()
      ok(answersOf(now[lane]) >= before + more, `${lane} gets answers again: ${JSON.stringify(now[lane])}`)
    }, deadlineMs)
  }
}

/** Every acknowledged write of this host's load is there, asked of the leader. Returns how many. */
export async function nothingLost(writer: Host, reader: Host = writer): Promise<number> {
  const acknowledged = (await writer.exec('cat', ledger)).trim().split('\n')
  const present = await eventually(async () => {
    const url = 'http://127.0.0.1:8500/v1/kv/ledger/?keys&consistent'
    const body = await reader.exec(
      'sh',
      '-c',
      'curl -sSf -H "x-consul-token: $(cat "$1")" "$2"',
      '_',
      operatorToken,
      url,
    )
    return new Set(JSON.parse(body) as readonly string[])
  })
  deepEqual(
    acknowledged.filter((key) => !present.has(`ledger/${key}`)),
    [],
    'every acknowledged write is there',
  )
  return acknowledged.length
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, each) => total + each, 0)

export const answersOf = (lane: LaneReport | undefined): number =>
  lane === undefined ? 0 : sum(lane.answers)

export const failuresOf = (lane: LaneReport | undefined): number =>
  lane === undefined ? 0 : sum(lane.failures)

/** What a lane saw between two reports. */
export function between(before: Report, after: Report, lane: string): LaneReport {
  const [from, to] = [before[lane], after[lane]]
  ok(from && to, `there is a lane ${lane}`)
  return {
    sent: to.sent - from.sent,
    answers: difference(from.answers, to.answers),
    failures: difference(from.failures, to.failures),
    slowestMs: to.slowestMs,
  }
}

function difference(
  from: Readonly<Record<string, number>>,
  to: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const grown = Object.entries(to).map(([reason, count]) => [reason, count - (from[reason] ?? 0)] as const)
  return Object.fromEntries(grown.filter(([, count]) => count > 0))
}
