/**
 * The certificates of this host's services: a key made here for each certificate, a leaf from any server, renewed
 * from half of its life while the old one still serves. Answers from memory; files make a restart without servers
 * harmless. Which services are wanted, the plan says; who may have them, the servers decide.
 */
import type { PublicCaRoot } from '../../model/authority.ts'
import { type Failure, failed, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Random, StateFiles } from '../../platform/ports.ts'
import type { Reply, ServerClient } from '../../rpc/contract.ts'
import { hostTagOfSerial } from '../../wire/x509/host-tag.ts'
import { generateKey, privateKeyPem, publicKeyInfo } from '../../wire/x509/keys.ts'
import { createCertificateRequest } from '../../wire/x509/request.ts'
import type { Leaf, Leaves } from '../contract.ts'
import { type CheckedLeaf, checkAnswer, signerOf } from './leaf-answer.ts'
import { loadLeaves, removeLeaf, storeLeaf } from './leaf-files.ts'
import { isWorthTelling, type LeafState, newLeafState, renewalDelayMs, retryDelayMs } from './leaf-state.ts'

export interface LeavesOptions {
  readonly client: Pick<ServerClient, 'signLeaf'>
  readonly files: StateFiles
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** A timer may sleep through a suspended machine; looking again at least this often bounds the harm. */
const longestSleepMs = 3_600_000
/** A leaf that only the API asked for is kept and renewed this long after somebody last asked. */
const rememberedForMs = 24 * 3_600_000
/**
 * A leaf that is not wanted any more is dropped after this long: a definition that is gone for a moment (a bad edit,
 * a restart that has not read everything yet) must not cost keys that cannot be had again while the servers are away.
 */
const dropAfterMs = 600_000
/** After a change of root, leaves are replaced over this long: every host does it at once. */
const rotationWindowMs = 30_000

export class HostLeaves implements Leaves {
  readonly #options: LeavesOptions
  readonly #states = new Map<string, LeafState>()
  readonly #listeners: ((service: string) => void)[] = []
  /** Services whose turn it is: those without a usable leaf first. */
  readonly #urgent: LeafState[] = []
  readonly #due: LeafState[] = []
  #underWay = 0
  #generation = 0
  /** Key id of the active root; '' until it is known. */
  #activeKeyId = ''
  #phase: 'open' | 'stopped' = 'open'

  /** Loads what is stored; asks for nothing before `want` or `request`. */
  constructor(options: LeavesOptions) {
    this.#options = options
    for (const leaf of loadLeaves(options.files)) {
      const state = newLeafState(leaf.service)
      state.leaf = leaf
      state.signedBy = signerOf(leaf.certificatePem)
      this.#states.set(leaf.service, state)
      this.#generation = Math.max(this.#generation, leaf.generation)
    }
  }

  want(services: ReadonlySet<string>): void {
    for (const [service, state] of this.#states) {
      const isDropped = !services.has(service) && (state.wanted || state.timer === undefined)
      state.wanted = state.wanted && services.has(service)
      if (isDropped && !state.asking && !this.#isRemembered(state)) this.#sleep(state, dropAfterMs)
    }
    for (const service of services) {
      const state = this.#state(service)
      if (state === undefined || state.wanted) continue
      state.wanted = true
      if (!state.asking) this.#plan(state)
    }
  }

  leaf(service: string): Leaf | undefined {
    return this.#states.get(service)?.leaf
  }

  request(service: string, reply: Reply<Leaf>): void {
    const state = this.#state(service)
    const nowMs = this.#options.clock.wallMs()
    if (state === undefined) {
      reply(failed('overloaded', `this host keeps leaves for at most ${limits.leavesPerAgent} services`))
      return
    }
    state.requestedAtMs = nowMs
    if (state.leaf !== undefined && state.leaf.notAfterMs > nowMs) {
      if (state.timer === undefined && !state.asking) this.#plan(state)
      reply({ ok: true, value: state.leaf })
    } else if (state.replies.length >= limits.leafRequestsWaiting)
      reply(failed('overloaded', `too many requests wait for the leaf of "${service}"`))
    else {
      state.replies.push(reply)
      this.#ask(state)
    }
  }

  onChange(listener: (service: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Why there is no (new) leaf of this service, or undefined: for status pages and `mesh services`. */
  failure(service: string): Failure | undefined {
    return this.#states.get(service)?.failure
  }

  /** The roots of the service plane: when another one became active, leaves of the old one are replaced. */
  useRoots(roots: readonly PublicCaRoot[]): void {
    const active = roots.find((root) => root.active)?.signingKeyId ?? ''
    if (active === '' || active === this.#activeKeyId) return
    this.#activeKeyId = active
    for (const state of this.#states.values())
      if (state.leaf !== undefined && state.signedBy !== active && !state.asking)
        this.#sleep(state, this.#options.random.fraction() * rotationWindowMs)
  }

  /** Hosts that were shut out: leaves that this one had before it was let in again are refused everywhere, and replaced. */
  useEvictions(hostTags: ReadonlySet<string>): void {
    if (hostTags.size === 0) return
    for (const state of this.#states.values()) {
      const tag = hostTagOfSerial(state.leaf?.serialNumber ?? '')
      if (tag !== undefined && hostTags.has(tag) && state.failure === undefined) this.#ask(state)
    }
  }

  /** What stood in the way may be gone (this host was enrolled, its services are in the catalog): tries what failed now. */
  retry(): void {
    for (const state of this.#states.values()) if (state.failure !== undefined) this.#ask(state)
  }

  stop(): void {
    this.#phase = 'stopped'
    for (const state of this.#states.values()) {
      state.timer?.cancel()
      this.#answer(state, failed('no-server', 'the agent is stopping'))
    }
  }

  #state(service: string): LeafState | undefined {
    const known = this.#states.get(service)
    if (known !== undefined || this.#states.size >= limits.leavesPerAgent) return known
    const state = newLeafState(service)
    this.#states.set(service, state)
    return state
  }

  #forget(state: LeafState): void {
    state.timer?.cancel()
    this.#states.delete(state.service)
    removeLeaf(this.#options.files, state.service)
  }

  /** Sets the time of the next attempt for what the state holds; without a leaf, now. */
  #plan(state: LeafState): void {
    if (state.leaf === undefined) this.#ask(state)
    else if (this.#activeKeyId !== '' && state.signedBy !== this.#activeKeyId)
      this.#sleep(state, this.#options.random.fraction() * rotationWindowMs)
    else this.#sleep(state, renewalDelayMs(state.leaf, this.#options.clock.wallMs(), this.#options.random))
  }

  #sleep(state: LeafState, delayMs: number): void {
    const { clock } = this.#options
    state.nextAtMs = clock.wallMs() + delayMs
    this.#nap(state)
  }

  #nap(state: LeafState): void {
    const { clock } = this.#options
    state.timer?.cancel()
    const delayMs = Math.min(Math.max(0, state.nextAtMs - clock.wallMs()), longestSleepMs)
    state.timer = clock.after(delayMs, () => {
      state.timer = undefined
      if (clock.wallMs() < state.nextAtMs) this.#nap(state)
      else if (state.wanted || this.#isRemembered(state)) this.#ask(state)
      else this.#forget(state)
    })
  }

  #isRemembered(state: LeafState): boolean {
    return this.#options.clock.wallMs() - state.requestedAtMs <= rememberedForMs
  }

  #ask(state: LeafState): void {
    if (state.asking) return
    state.timer?.cancel()
    state.timer = undefined
    state.asking = true
    const usable = state.leaf !== undefined && state.leaf.notAfterMs > this.#options.clock.wallMs()
    if (usable) this.#due.push(state)
    else this.#urgent.push(state)
    this.#pump()
  }

  /** A few at a time: a host with a thousand services must not fill the servers' buckets alone. */
  #pump(): void {
    while (this.#underWay < limits.leafRequestsInFlight) {
      const state = this.#urgent.shift() ?? this.#due.shift()
      if (state === undefined) return
      if (this.#states.get(state.service) !== state) continue
      this.#underWay += 1
      const key = generateKey()
      const request = { service: state.service, csr: createCertificateRequest(key) }
      this.#options.client.signLeaf(request, (answer) => {
        this.#underWay -= 1
        state.asking = false
        if (this.#phase === 'stopped') return
        const checked = answer.ok ? checkAnswer(state.service, answer.value, publicKeyInfo(key)) : answer
        if (checked.ok) this.#accept(state, checked.value, privateKeyPem(key))
        else this.#failed(state, checked.failure)
        this.#pump()
      })
    }
  }

  #accept(state: LeafState, signed: CheckedLeaf, keyPem: string): void {
    if (this.#states.get(state.service) !== state) return
    const { files, log, metrics } = this.#options
    this.#generation += 1
    const { certificate, uri, signedBy } = signed
    const { certificatePem, serialNumber, notBeforeMs, notAfterMs } = certificate
    const validity = { notBeforeMs, notAfterMs, generation: this.#generation }
    const leaf = {
      service: state.service,
      uri,
      certificatePem,
      privateKeyPem: keyPem,
      serialNumber,
      ...validity,
    }
    const error = storeLeaf(files, leaf)
    if (error !== undefined) log.error('a leaf could not be stored; a restart will need a new one', { error })
    Object.assign(state, { leaf, signedBy, failures: 0, failure: undefined, toldCode: '' })
    metrics.count('mesh_leaves_issued_total')
    const validUntil = new Date(notAfterMs).toISOString()
    log.info('a service has a new leaf', { service: state.service, serialNumber, validUntil })
    this.#plan(state)
    this.#answer(state, { ok: true, value: leaf })
    for (const listener of this.#listeners) listener(state.service)
  }

  #failed(state: LeafState, failure: Failure): void {
    if (this.#states.get(state.service) !== state) return
    const { clock, random, log, metrics } = this.#options
    const isNews = isWorthTelling(state, failure)
    if (isNews) state.toldCode = failure.code
    state.failures += 1
    state.failure = failure
    metrics.count('mesh_leaves_failed_total', { code: failure.code })
    const delayMs = retryDelayMs(state, clock.wallMs(), random)
    const fields = {
      service: state.service,
      code: failure.code,
      reason: failure.message,
      retryMs: Math.round(delayMs),
    }
    if (isNews) log.warn('a leaf was not issued', fields)
    else log.debug('a leaf was not issued again', fields)
    this.#answer(state, { ok: false, failure })
    if (state.wanted || state.leaf !== undefined) this.#sleep(state, delayMs)
    else this.#forget(state)
  }

  #answer(state: LeafState, result: Result<Leaf>): void {
    for (const reply of state.replies.splice(0)) reply(result)
  }
}
