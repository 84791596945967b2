// A soak of two proxies, holder and worker each: conversations of every kind at once, first while workers are killed and
// replaced, then in peace with a look at what is left after each spell: descriptors, and the heap after a forced collection.
import { readdirSync } from 'node:fs'
import { limits } from '../../src/model/limits.ts'
import { seeded } from '../fuzz/tunnel-sequences.ts'
import { ProxyHost } from '../processes/proxy-host.ts'
import { TestAuthority } from '../unit/proxy/authority.ts'
import {
  endpoint,
  endpoints,
  freePort,
  inbound,
  type LogLine,
  outbound,
  policy,
  until,
} from '../unit/proxy/lab.ts'
import { converse, type Outcome, planOf, Service } from './conversation.ts'

export interface SoakOptions {
  readonly seed: number
  /** With kills and swaps; then without. */
  readonly stormMs: number
  /** Between two kills or swaps. */
  readonly disturbEveryMs: number
  readonly calmMs: number
  /** Looks at what is left, spread over the calm. */
  readonly looks: number
  readonly lanes: number
  readonly say: (line: string) => void
}

export interface Look {
  /** Open descriptors of each holder and worker: near holder, near worker, far holder, far worker. */
  readonly descriptors: readonly number[]
  /** Bytes of JavaScript's heap in use in both workers after a forced collection. */
  readonly heapBytes: number
  /** Bytes of buffers and of TLS outside of it; pools keep a bounded number of them. */
  readonly externalBytes: number
}

export interface SoakReport {
  readonly outcomes: Readonly<Record<Outcome['kind'], number>>
  readonly bytes: number
  readonly kills: number
  readonly swaps: number
  /** What must not be: wrong bytes, connections that were cut or refused while nobody disturbed them. */
  readonly faults: readonly string[]
  readonly looks: readonly Look[]
  /** What the proxies refused, by direction, code and text, to name the cause of a fault. */
  readonly refusals: Readonly<Record<string, number>>
}

/** A cut connection is excused where it was open in such a time. */
interface Disturbance {
  readonly fromMs: number
  readonly toMs: number
}

const drainMs = 2_000
/** A machine that is busy with other things makes connections wait; that is no fault of the proxies. */
const patienceMs = 30_000
/** How long after a kill, or after the end of a drain, its last consequences are seen. */
const aftermathMs = 3_000

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const service = new Service()
  const servicePort = await service.listen()
  const hosts = await Promise.all([
    ProxyHost.start('host', ['--expose-gc']),
    ProxyHost.start('host', ['--expose-gc']),
  ])
  const [near, far] = hosts
  try {
    const upstreamPort = await configured(near, far, servicePort)
    const run = new Run(options, upstreamPort, service)
    await run.during(options.stormMs, () => storm(options, hosts, run))
    const looks: Look[] = []
    // The first spell after the storm fills pools and caches, so what it leaves is not yet the measure.
    await run.during(options.calmMs / (options.looks + 1), async () => {})
    for (let count = options.looks; count > 0; count -= 1) {
      await run.during(options.calmMs / (options.looks + 1), async () => {})
      looks.push(await lookAt(hosts, service, looks[0]))
      options.say(
        `${JSON.stringify(looks.at(-1))} ${JSON.stringify(run.counts)} ${Math.round(run.bytes / 1e6)} MB`,
      )
    }
    return {
      outcomes: run.counts,
      bytes: run.bytes,
      kills: run.kills,
      swaps: run.swaps,
      faults: run.faults,
      looks,
      refusals: refusalsOf(hosts),
    }
  } finally {
    service.close()
    await Promise.all(hosts.map((host) => host.stop()))
  }
}

async function configured(near: ProxyHost, far: ProxyHost, servicePort: number): Promise<number> {
  const authority = new TestAuthority()
  const [upstreamPort, publicPort] = [await freePort(), await freePort()]
  await far.publish([
    authority.rootsResource(),
    authority.leafResource('backend'),
    policy('backend', 'allow'),
    inbound('backend', publicPort, servicePort, { localConnectTimeoutMs: patienceMs }),
  ])
  await near.publish([
    authority.rootsResource(),
    authority.leafResource('web'),
    endpoints('backend', [endpoint('beta/backend', publicPort)]),
    outbound('web', 'backend', upstreamPort, { connectTimeoutMs: patienceMs }),
  ])
  return upstreamPort
}

class Run {
  readonly counts: Record<Outcome['kind'], number> = { whole: 0, reset: 0, cut: 0, wrong: 0 }
  readonly faults: string[] = []
  bytes = 0
  kills = 0
  swaps = 0
  private readonly options: SoakOptions
  private readonly port: number
  private readonly service: Service
  private readonly random: (below: number) => number
  private readonly disturbances: Disturbance[] = []
  private lastId = 0

  constructor(options: SoakOptions, port: number, service: Service) {
    this.options = options
    this.port = port
    this.service = service
    this.random = seeded(options.seed)
  }

  /** All lanes busy for so long, beside `beside`; resolves when the last conversation and `beside` are over. */
  async during(forMs: number, beside: () => Promise<void>): Promise<void> {
    const untilMs = performance.now() + forMs
    const lane = async (): Promise<void> => {
      while (performance.now() < untilMs) {
        this.lastId += 1
        this.judge(await converse(this.port, planOf(this.lastId, this.random), this.service))
      }
    }
    await Promise.all([beside(), ...Array.from({ length: this.options.lanes }, lane)])
    await until('the end of the last connection to the service', () => this.service.sockets.size === 0).catch(
      () => {
        throw new Error(`connections to the service are left: ${this.service.describe()}`)
      },
    )
    for (const id of this.service.wrong) this.fault(`conversation ${id}: the service got other bytes`)
    this.service.wrong.clear()
    this.service.whole.clear()
    this.service.plans.clear()
  }

  disturb(kind: 'kill' | 'swap'): void {
    const nowMs = performance.now()
    const toMs = nowMs + aftermathMs + (kind === 'swap' ? drainMs : 0)
    this.disturbances.push({ fromMs: nowMs, toMs })
    if (kind === 'kill') this.kills += 1
    else this.swaps += 1
  }

  private judge(outcome: Outcome): void {
    const { plan, kind, text } = outcome
    this.counts[kind] += 1
    this.bytes += kind === 'whole' ? plan.upBytes + plan.downBytes : 0
    const words = `conversation ${plan.id} of seed ${this.options.seed}: ${kind} ${text} ${JSON.stringify(plan)}`
    // The kernel takes connections whatever becomes of workers.
    if (kind === 'wrong' || text.startsWith('ECONNREFUSED')) this.fault(words)
    else if (kind === 'cut' && !this.isExcused(outcome)) this.fault(words)
  }

  private isExcused({ startedMs, endedMs }: Outcome): boolean {
    return this.disturbances.some(({ fromMs, toMs }) => startedMs < toMs && endedMs > fromMs)
  }

  private fault(words: string): void {
    // The first ones tell; a run with a thousand of them has no more to say.
    if (this.faults.length < 100) this.faults.push(words)
  }
}

/** Kills a worker of one host, then of the other, and replaces one in between. */
async function storm(
  { stormMs, disturbEveryMs }: SoakOptions,
  hosts: readonly ProxyHost[],
  run: Run,
): Promise<void> {
  const untilMs = performance.now() + stormMs - aftermathMs
  for (let turn = 0; performance.now() < untilMs; turn += 1) {
    const nextMs = performance.now() + disturbEveryMs
    const host = hosts[turn % hosts.length]
    if (turn % 3 === 1) {
      run.disturb('swap')
      await host?.ask({ ask: 'upgrade', drainMs })
    } else {
      const pid = (await host?.workers())?.get('host') ?? 0
      run.disturb('kill')
      if (pid > 0) process.kill(pid, 'SIGKILL')
    }
    await until('the next kill', () => performance.now() >= nextMs)
  }
}

/** With everything over: descriptors, once they are what they were at `first`, and the memory in use. */
async function lookAt(hosts: readonly ProxyHost[], service: Service, first: Look | undefined): Promise<Look> {
  const pids = await Promise.all(
    hosts.map(async (host) => [host.holderPid, (await host.workers()).get('host') ?? 0]),
  )
  const count = (): readonly number[] => pids.flat().map((pid) => readdirSync(`/proc/${pid}/fd`).length)
  await steady(count, first?.descriptors)
  const used = await Promise.all(hosts.map(memoryOf))
  if (service.sockets.size > 0) throw new Error('connections to the service are left')
  const sum = (name: 'heapUsed' | 'external'): number =>
    used.reduce((all, line) => all + Number(line[name]), 0)
  return { descriptors: count(), heapBytes: sum('heapUsed'), externalBytes: sum('external') }
}

/** What the worker says after a forced collection. */
async function memoryOf(host: ProxyHost): Promise<LogLine> {
  const known = host.lines.length
  process.kill((await host.workers()).get('host') ?? 0, 'SIGUSR2')
  return until('what the worker says of its memory', () =>
    host.lines.slice(known).find(({ message }) => message === 'memory'),
  )
}

/**
 * Sockets that were reset are closed a moment later, and sessions that were full or silent end after their last stream: waits
 * for `expected`, or where there is none until nothing changes for as long as a session may linger.
 */
async function steady(
  count: () => readonly number[],
  expected: readonly number[] | undefined,
): Promise<void> {
  const deadlineMs = performance.now() + 15_000
  let last = ''
  let sinceMs = performance.now()
  await until('steady descriptors', () => {
    const [now, nowMs] = [JSON.stringify(count()), performance.now()]
    if (now !== last) sinceMs = nowMs
    last = now
    if (nowMs > deadlineMs) return true
    return expected === undefined ? nowMs - sinceMs > limits.lingerMs + 500 : now === JSON.stringify(expected)
  })
}

function refusalsOf(hosts: readonly ProxyHost[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { message, direction, code, text } of hosts.flatMap(({ lines }) => lines)) {
    if (message !== 'connection refused') continue
    const key = `${direction}: ${code}: ${text}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
