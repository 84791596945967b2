/**
 * How this host becomes and stays a member: the first certificate by token, then renewal by its own key from half of
 * the certificate's life, also after it expired. The key never leaves the host. Transport and server picking are the
 * client's business.
 */
import type { KeyObject } from 'node:crypto'
import { sameValue } from '../../model/equality.ts'
import { assert, type Failure, failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Random, StateFiles, Timer } from '../../platform/ports.ts'
import type { HostCertificate, Reply, ServerClient } from '../../rpc/contract.ts'
import type { EnrollmentToken } from '../../rpc/enrollment-token.ts'
import { readPrivateKeyPem } from '../../wire/x509/keys.ts'
import { firstRenewalDelayMs, nextAttemptDelayMs } from '../../wire/x509/lifetime.ts'
import { createCertificateRequest } from '../../wire/x509/request.ts'
import {
  type HostIdentity,
  hasNextKey,
  loadIdentity,
  openHostKey,
  openNextKey,
  storeGossipKeys,
  storeIdentity,
  storeServers,
} from './identity-files.ts'

export interface EnrollmentOptions {
  readonly files: StateFiles
  readonly node: string
  readonly nodeId: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** A timer may sleep through a suspended machine; looking again at least this often bounds the harm. */
const longestSleepMs = 3_600_000

/** Somebody stands beside an evicted host that is let in again. */
const lookEveryMs = 2_000

/** An evicted host asks again this often: it may have been a mistake that was undone. */
const evictedPauseMs = 600_000

export class HostEnrollment {
  readonly #options: EnrollmentOptions
  readonly #listeners: ((identity: HostIdentity) => void)[] = []
  readonly #gossipListeners: ((keys: readonly string[]) => void)[] = []
  #identity: HostIdentity | undefined
  #renewals: Pick<ServerClient, 'renewHost'> | undefined
  #renewAtMs = 0
  #failures = 0
  #refusal: Failure | undefined
  #timer: Timer | undefined
  #looking: Timer | undefined

  private constructor(options: EnrollmentOptions, identity: HostIdentity | undefined) {
    this.#options = options
    this.#identity = identity
  }

  /** Loads what is stored; fails where the files are damaged or belong to a host of another name. */
  static open(options: EnrollmentOptions): Result<HostEnrollment> {
    const stored = loadIdentity(options.files)
    if (!stored.ok) return stored
    const identity = stored.value
    if (identity !== undefined && identity.node !== options.node)
      return failed(
        'invalid-config',
        `this host is enrolled as "${identity.node}", its configuration says node_name = "${options.node}"; enroll it again or change the name back`,
      )
    return ok(new HostEnrollment(options, identity))
  }

  /** Reads the files again, because `mesh enroll` writes them while an agent waits to be enrolled. */
  reload(): Result<HostIdentity | undefined> {
    const stored = loadIdentity(this.#options.files)
    if (stored.ok && stored.value?.node === this.#options.node) {
      this.#identity = stored.value
      this.#refusal = undefined
      this.#plan()
    }
    return stored
  }

  /** Undefined until the host is enrolled. An expired identity is still one: it can be renewed. */
  identity(): HostIdentity | undefined {
    return this.#identity
  }

  /** Why this host was not let in, or its certificate not renewed, the last time; undefined since that went well. */
  refusal(): Failure | undefined {
    return this.#refusal
  }

  /** A token was not accepted; undefined: there is none any more. */
  noteRefusal(failure: Failure | undefined): void {
    this.#refusal = failure
  }

  /** The servers told where they all are; kept across reboots. */
  useServers(servers: readonly string[]): void {
    const identity = this.#identity
    const known = servers.slice(0, limits.serverAddresses)
    if (identity === undefined || known.length === 0 || sameValue(known, identity.servers)) return
    const stored = storeServers(this.#options.files, identity, known)
    if (!stored.ok) this.#options.log.warn('the servers’ addresses were not kept', { ...stored.failure })
    this.#identity = { ...identity, servers: known }
    this.#options.log.info('the servers told where they are', { servers: known })
  }

  /** The servers told the keys of the gossip pool; kept across reboots. Base64, the one in use first. */
  useGossipKeys(keys: readonly string[]): void {
    const { files, log } = this.#options
    const identity = this.#identity
    const known = keys.slice(0, limits.gossipKeys)
    if (identity === undefined || known.length === 0 || sameValue(known, identity.gossipKeys)) return
    const stored = storeGossipKeys(files, identity, known)
    if (!stored.ok) log.warn('the gossip keys were not kept', { ...stored.failure })
    this.#identity = { ...identity, gossipKeys: known }
    log.info('the servers told the gossip keys', { keys: known.length })
    for (const listener of this.#gossipListeners) listener(known)
  }

  /** After each change of the gossip keys while this host is enrolled; the present ones stand in its identity. */
  onGossipKeys(listener: (keys: readonly string[]) => void): void {
    this.#gossipListeners.push(listener)
  }

  /** After each new certificate: enrollment and renewals. */
  onChange(listener: (identity: HostIdentity) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * The cluster refuses this host's key. `mesh enroll` with a new token writes another identity, which is looked for until it
   * is there: the agent goes on with it as after a renewal.
   */
  awaitNewKey(): void {
    this.#looking ??= this.#options.clock.after(lookEveryMs, () => {
      this.#looking = undefined
      const stored = loadIdentity(this.#options.files)
      const found = stored.ok ? stored.value : undefined
      // What is renewed when is planned anew with another certificate only.
      if (found === undefined || found.certificatePem === this.#identity?.certificatePem) this.awaitNewKey()
      else this.#takeUp(found)
    })
  }

  /**
   * `client` trusts the authority that the token pins. Repeating after a lost answer is harmless: the key stays the
   * same.
   */
  enroll(token: EnrollmentToken, client: Pick<ServerClient, 'enroll'>, reply: Reply<HostIdentity>): void {
    const { files, node } = this.#options
    if (token.node !== '' && token.node !== node) {
      reply(failed('bad-token', `the enrollment token is for node "${token.node}", this one is "${node}"`))
      return
    }
    const begun = hasNextKey(files)
    this.#askToEnroll(begun ? openNextKey(files) : openHostKey(files), token, client, (first) => {
      // The cluster refuses the key that it evicted; a new token lets the host back in with a new one. The other way
      // round, a new key was begun for nothing where the eviction was undone.
      const other = begun ? 'node-name-taken' : 'host-evicted'
      if (first.ok || first.failure.code !== other) reply(first)
      else this.#askToEnroll(begun ? openHostKey(files) : openNextKey(files), token, client, reply)
    })
  }

  /** Keeps the certificate renewed through `client` until `stop`; at once if it is due. */
  start(client: Pick<ServerClient, 'renewHost'>): void {
    this.#renewals = client
    this.#plan()
  }

  stop(): void {
    this.#renewals = undefined
    this.#timer?.cancel()
    this.#looking?.cancel()
  }

  #askToEnroll(
    key: Result<KeyObject>,
    token: EnrollmentToken,
    client: Pick<ServerClient, 'enroll'>,
    reply: Reply<HostIdentity>,
  ): void {
    if (!key.ok) {
      reply(key)
      return
    }
    const { node, nodeId } = this.#options
    const request = { secret: token.secret, node, nodeId, csr: createCertificateRequest(key.value) }
    client.enroll(request, (answer) => reply(answer.ok ? this.#accept(answer.value, token.servers) : answer))
  }

  #accept(answer: HostCertificate, servers: readonly string[]): Result<HostIdentity> {
    const { files, node, nodeId, log, metrics } = this.#options
    const stored = storeIdentity(files, { node, nodeId, servers }, answer)
    if (!stored.ok) return stored
    this.#identity = stored.value
    this.#failures = 0
    this.#refusal = undefined
    log.info('this host has a new certificate', {
      validUntil: new Date(stored.value.notAfterMs).toISOString(),
    })
    metrics.gauge('mesh_host_certificate_expires_ms', stored.value.notAfterMs)
    this.#plan()
    this.#tellChange(stored.value)
    return stored
  }

  /** An identity that `mesh enroll` wrote while this host had another one. */
  #takeUp(identity: HostIdentity): void {
    if (identity.node !== this.#options.node) return
    this.#identity = identity
    this.#failures = 0
    this.#refusal = undefined
    this.#plan()
    this.#tellChange(identity)
  }

  #tellChange(identity: HostIdentity): void {
    for (const listener of this.#listeners) listener(identity)
    // A listener that has these keys already does nothing.
    for (const listener of this.#gossipListeners) listener(identity.gossipKeys)
  }

  /** Sets the time of the first attempt for the certificate that there is now. */
  #plan(): void {
    if (this.#identity === undefined || this.#renewals === undefined) return
    const nowMs = this.#options.clock.wallMs()
    this.#renewAtMs = nowMs + firstRenewalDelayMs(this.#identity, nowMs, this.#options.random.fraction())
    this.#sleep()
  }

  #sleep(): void {
    const { clock } = this.#options
    this.#timer?.cancel()
    const delayMs = Math.min(Math.max(0, this.#renewAtMs - clock.wallMs()), longestSleepMs)
    this.#timer = clock.after(delayMs, () => {
      if (clock.wallMs() >= this.#renewAtMs) this.#renew()
      else this.#sleep()
    })
  }

  #renew(): void {
    const client = this.#renewals
    if (client === undefined || this.#identity === undefined) return
    const { servers, privateKeyPem } = this.#identity
    const key = readPrivateKeyPem(privateKeyPem)
    assert(key.ok, 'the key of an identity was read before')
    client.renewHost({ csr: createCertificateRequest(key.value) }, (answer) => {
      if (this.#renewals === undefined) return
      const accepted = answer.ok ? this.#accept(answer.value, servers) : answer
      if (!accepted.ok) this.#failed(accepted.failure)
    })
  }

  #failed(failure: Failure): void {
    const { clock, random, log, metrics } = this.#options
    this.#failures += 1
    this.#refusal = failure
    const nowMs = clock.wallMs()
    const restMs = (this.#identity?.notAfterMs ?? 0) - nowMs
    const usualMs = nextAttemptDelayMs(this.#failures, restMs, random.fraction())
    const delayMs = failure.code === 'host-evicted' ? evictedPauseMs : usualMs
    metrics.count('mesh_host_renewals_failed_total', { code: failure.code })
    log.warn('the host certificate was not renewed', {
      code: failure.code,
      reason: failure.message,
      retryMs: delayMs,
    })
    this.#renewAtMs = nowMs + delayMs
    this.#sleep()
  }
}
