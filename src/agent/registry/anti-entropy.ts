/**
 * Keeps the catalog equal to this host's rows: at once on change, and by a full comparison now and then, because the
 * catalog may lose rows or be written by others. One exchange at a time. Source of the times: Consul's anti-entropy.
 */
import type { Check } from '../../model/check.ts'
import type { Command } from '../../model/command.ts'
import type { ErrorCode, Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import type { NodeServices } from '../../model/query.ts'
import type { Clock, Log, Metrics, Random, Timer } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import { commandOf, halves, pendingSteps, type Step } from './batches.ts'
import type { RegistryEvent } from './events.ts'
import { OutputDelay } from './output-delay.ts'
import { reconcile } from './reconcile.ts'
import type { Rows } from './rows.ts'

export interface AntiEntropyOptions {
  readonly rows: Rows
  readonly node: Node
  readonly client: Pick<ServerClient, 'read' | 'write'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly checkUpdateIntervalMs: number
  /** Hosts in the cluster: the more there are, the rarer each compares. */
  readonly clusterSize: () => number
  /** First comparison after a server came into reach; shorter where one host is the whole mesh. */
  readonly serverUpStaggerMs?: number
}

const fullSyncIntervalMs = 60_000
const serverUpStaggerMs = 3_000
const retryAfterMs = 15_000
/** Up to this many hosts the interval is the shortest. */
const scaleFrom = 128

/** Refusals that a retry of the same rows would meet again; anything else may pass. */
const lasting: ReadonlySet<ErrorCode> = new Set([
  'bad-request',
  'invalid-service',
  'service-not-allowed',
  'bad-token',
  'too-large',
  'unsupported-feature',
  'conflict',
])

export class AntiEntropy {
  readonly #options: AntiEntropyOptions
  #node: Node
  #nodeSynced: boolean = false
  /** A comparison has succeeded: from then on changes are sent without one. */
  #compared: boolean = false
  #failing: boolean = false
  #busy: boolean = false
  #stopped: boolean = true
  #changed: boolean = false
  #comparisonDue: boolean = false
  #fullTimer: Timer | undefined
  #fullDueMs = Number.POSITIVE_INFINITY
  #changeTimer: Timer | undefined
  readonly #outputs: OutputDelay
  #steps: Step[] = []
  /** Versions of rows that the catalog refused since the last comparison. */
  #barred = new WeakSet<object>()
  #refusals = 0

  constructor(options: AntiEntropyOptions) {
    this.#options = options
    this.#node = options.node
    const push = (checkId: string): void => this.#pushOutput(checkId)
    this.#outputs = new OutputDelay(options, options.checkUpdateIntervalMs, push)
    options.rows.observe((event) => this.#follow(event))
  }

  start(): void {
    this.#stopped = false
    this.serverUp()
  }

  stop(): void {
    this.#stopped = true
    this.#fullTimer?.cancel()
    this.#changeTimer?.cancel()
    this.#outputs.clear()
  }

  /** A server came into reach: compare soon, spread so that all hosts of a cluster do not come at once. */
  serverUp(): void {
    const { clock, random, serverUpStaggerMs: stagger = serverUpStaggerMs } = this.#options
    const delayMs = random.fraction() * stagger
    // Only ever sooner: a server that comes and goes must not put the comparison off again and again.
    if (clock.monotonicMs() + delayMs < this.#fullDueMs) this.#compareAfter(delayMs)
  }

  /** New address or metadata of this host, and the new wait of outputs, after a reload. */
  update(node: Node, checkUpdateIntervalMs: number): void {
    this.#node = node
    this.#nodeSynced = false
    this.#outputs.intervalMs = checkUpdateIntervalMs
    this.#onChange()
  }

  #follow(event: RegistryEvent): void {
    switch (event.kind) {
      case 'heartbeat':
        break
      case 'output':
        if (!this.#stopped) this.#outputs.add(event.check.check.checkId)
        break
      case 'status':
        this.#outputs.drop(event.check.check.checkId)
        this.#onChange()
        break
      case 'check-removed':
        this.#outputs.drop(event.checkId)
        this.#onChange()
        break
      case 'service':
      case 'check-defined':
      case 'check-renamed':
        this.#onChange()
    }
  }

  #pushOutput(checkId: string): void {
    const { rows } = this.#options
    const present = rows.check(checkId)
    if (present?.synced === true) rows.markCheck(present.check, false)
    this.#onChange()
  }

  /** Before the first comparison, and while servers fail, changes wait for the comparison that is due anyway. */
  #onChange(): void {
    if (this.#busy) this.#changed = true
    if (this.#busy || this.#stopped || this.#failing || !this.#compared) return
    this.#changeTimer ??= this.#options.clock.after(0, () => {
      this.#changeTimer = undefined
      if (!this.#busy && !this.#stopped) this.#sendPending('partial')
    })
  }

  #compareAfter(delayMs: number): void {
    if (this.#stopped) return
    const { clock } = this.#options
    this.#fullTimer?.cancel()
    this.#fullDueMs = clock.monotonicMs() + delayMs
    this.#fullTimer = clock.after(delayMs, () => this.#compare())
  }

  #compare(): void {
    if (this.#stopped) return
    if (this.#busy) {
      this.#comparisonDue = true
      return
    }
    const { client } = this.#options
    this.#busy = true
    this.#comparisonDue = false
    const request = {
      name: 'catalog.node',
      args: { node: this.#node.name },
      options: { consistency: 'default', minIndex: 0, waitMs: 0 },
      token: '',
    } as const
    client.read(request, (result) => {
      if (this.#stopped) return
      if (result.ok) this.#takeCatalog(result.value.answer)
      else this.#failed('full', result.failure)
    })
  }

  #takeCatalog(catalog: NodeServices | null): void {
    const { rows } = this.#options
    const outputWaits = (checkId: string): boolean => this.#outputs.has(checkId)
    this.#nodeSynced = reconcile({ rows, node: this.#node, catalog, outputWaits })
    rows.tell()
    this.#compared = true
    this.#barred = new WeakSet()
    this.#sendPending('full')
  }

  #sendPending(kind: 'full' | 'partial'): void {
    this.#busy = true
    this.#changed = false
    this.#refusals = 0
    this.#steps = [...pendingSteps(this.#options.rows, this.#barred)].reverse()
    if (!this.#nodeSynced && this.#steps.at(-1)?.kind !== 'register')
      this.#steps.push({ kind: 'register', groups: [] })
    this.#options.metrics.gauge('mesh_antientropy_steps', this.#steps.length)
    this.#drain(kind)
  }

  /** A loop and not a recursion, because a transport in memory answers inside the call. */
  #drain(kind: 'full' | 'partial'): void {
    while (this.#busy) {
      const step = this.#steps.pop()
      if (step === undefined) {
        this.#finished(kind)
        return
      }
      if (!this.#send(step, kind)) return
    }
  }

  /** Whether the answer came inside the call, so that the next step may follow at once. */
  #send(step: Step, kind: 'full' | 'partial'): boolean {
    const command = commandOf(this.#options.rows, step, this.#node, this.#nodeSynced)
    if (command === undefined) return true
    const call: { returned: boolean; answered: boolean } = { returned: false, answered: false }
    this.#options.client.write({ command, token: '' }, (result) => {
      if (this.#stopped) return
      call.answered = true
      if (result.ok) this.#accepted(step, command)
      else if (!this.#refused(step, command, result.failure)) this.#failed(kind, result.failure)
      if (call.returned) this.#drain(kind)
    })
    call.returned = true
    return call.answered
  }

  #accepted(step: Step, command: Command): void {
    const { rows } = this.#options
    if (step.kind === 'remove-service') rows.markRemoved('services', step.id)
    if (step.kind === 'remove-check') rows.markRemoved('checks', step.id)
    if (command.type !== 'catalog.register') return
    if (command.node === this.#node) this.#nodeSynced = true
    for (const service of command.services) rows.markService(service, true)
    for (const check of command.checks) this.#markSent(check)
  }

  #markSent(sent: Check): void {
    const { rows } = this.#options
    rows.markCheck(sent, true)
    const present = rows.check(sent.checkId)
    if (present?.synced === true && present.check !== sent) this.#outputs.add(sent.checkId)
  }

  /** Whether the rest can go on: the row at fault is found by halving, named, and left for the next comparison. */
  #refused(step: Step, command: Command, failure: Failure): boolean {
    if (failure.code === 'not-found' && step.kind !== 'register') {
      this.#accepted(step, command)
      return true
    }
    if (!lasting.has(failure.code)) return false
    const parts = halves(step)
    if (parts !== undefined) this.#steps.push(parts[1], parts[0])
    else this.#bar(step, command, failure)
    return true
  }

  #bar(step: Step, command: Command, failure: Failure): void {
    const { log, metrics } = this.#options
    if (command.type === 'catalog.register')
      for (const row of [...command.services, ...command.checks]) this.#barred.add(row)
    else this.#accepted(step, command)
    metrics.count('mesh_antientropy_refused_total', { code: failure.code })
    this.#refusals += 1
    if (this.#refusals <= limits.refusalsLoggedPerSync)
      log.error('The catalog refuses a registration of this host', {
        code: failure.code,
        reason: failure.message,
        rows: describe(step),
      })
  }

  #failed(kind: 'full' | 'partial', failure: Failure): void {
    const { log, metrics, random } = this.#options
    metrics.count('mesh_antientropy_total', { kind, outcome: 'failed' })
    if (!this.#failing)
      log.warn('The catalog cannot be told of this host’s services; trying again', {
        code: failure.code,
        reason: failure.message,
      })
    // The node row went away with everything on it: only a comparison can tell what is left, and it can be soon.
    const isNews = failure.code === 'not-found' && !this.#failing
    const delayMs = isNews ? serverUpStaggerMs * random.fraction() : retryAfterMs * (1 + random.fraction())
    this.#busy = false
    this.#failing = true
    this.#steps = []
    this.#compareAfter(delayMs)
  }

  #finished(kind: 'full' | 'partial'): void {
    const { metrics, log, random, clusterSize } = this.#options
    metrics.count('mesh_antientropy_total', { kind, outcome: 'ok' })
    if (this.#failing) log.info('The catalog is up to date with this host again')
    this.#busy = false
    this.#failing = false
    if (kind === 'full') {
      const intervalMs = scaledIntervalMs(clusterSize())
      this.#compareAfter(intervalMs * (1 + random.fraction()))
    }
    if (this.#comparisonDue) this.#compare()
    else if (this.#changed) this.#onChange()
  }
}

/** 60 s up to 128 hosts, then 60 s more for each doubling: Consul's scale, which keeps the servers' load level. */
export function scaledIntervalMs(hosts: number): number {
  if (hosts <= scaleFrom) return fullSyncIntervalMs
  return fullSyncIntervalMs * (Math.ceil(Math.log2(hosts) - Math.log2(scaleFrom)) + 1)
}

function describe(step: Step): readonly string[] {
  if (step.kind !== 'register') return [step.id]
  return step.groups.flatMap(({ service, checks }) => (service === undefined ? checks : [service, ...checks]))
}
