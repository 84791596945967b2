/**
 * The certificate of this server's RPC listener: signed by the server itself once it has the cluster's state, renewed
 * from half of its life, and signed anew when the host-plane root changes. Its key lies 0600 in the server's
 * directory.
 */
import type { KeyObject } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Clock, Log, Metrics, Random, StateFiles, Timer } from '../../platform/ports.ts'
import type { TlsIdentity } from '../../rpc/tls.ts'
import { generateKey, privateKeyPem, publicKeyInfo, readPrivateKeyPem } from '../../wire/x509/keys.ts'
import { firstRenewalDelayMs, nextAttemptDelayMs } from '../../wire/x509/lifetime.ts'
import type { StateView } from '../store/state.ts'
import type { Authority, ServerNames, SignedChain } from './authority.ts'
import { publicRoots } from './roots.ts'
import { writeServerFiles } from './server-files.ts'

export const serverKeyFile = 'server.key'

/** This server's long-lived key; made and stored at the first call. */
export function openServerKey(files: StateFiles): Result<KeyObject> {
  const stored = files.read(serverKeyFile)
  if (stored !== undefined) {
    const key = readPrivateKeyPem(Buffer.from(stored).toString())
    if (key.ok) return key
    return failed('invalid-config', `${serverKeyFile} cannot be read; remove it to have a new one made`)
  }
  const key = generateKey()
  const error = files.write(serverKeyFile, Buffer.from(privateKeyPem(key)))
  if (error !== undefined) return failed('internal', `${serverKeyFile} cannot be written: ${error.message}`)
  return ok(key)
}

export interface OwnCertificateOptions {
  readonly authority: Authority
  readonly view: () => StateView
  readonly names: ServerNames
  readonly files: StateFiles
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** A new certificate is there: for `TlsListener.setIdentity`. */
  readonly onChange: (identity: TlsIdentity) => void
}

/** A timer may sleep through a suspended machine; looking again at least this often bounds the harm. */
const longestSleepMs = 3_600_000

export class OwnCertificate {
  readonly #options: OwnCertificateOptions
  readonly #key: KeyObject
  #renewAtMs = 0
  #notAfterMs = 0
  #failures = 0
  #timer: Timer | undefined

  private constructor(options: OwnCertificateOptions, key: KeyObject) {
    this.#options = options
    this.#key = key
  }

  /** Reads or makes the key. */
  static open(options: OwnCertificateOptions): Result<OwnCertificate> {
    const key = openServerKey(options.files)
    return key.ok ? ok(new OwnCertificate(options, key.value)) : key
  }

  /** Signs the first certificate, and keeps it renewed until `stop`. */
  start(): Result<TlsIdentity> {
    const signed = this.#sign()
    return signed.ok ? ok(this.#identity(signed.value)) : signed
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** The host-plane root changed: do not wait for half of life. */
  renewNow(): void {
    const signed = this.#sign()
    if (signed.ok) this.#options.onChange(this.#identity(signed.value))
  }

  #sign(): Result<SignedChain> {
    const { authority, names, clock, random, log, metrics } = this.#options
    const signed = authority.signServer(names, publicKeyInfo(this.#key))
    const nowMs = clock.wallMs()
    if (signed.ok) {
      this.#failures = 0
      this.#notAfterMs = signed.value.notAfterMs
      this.#renewAtMs = nowMs + firstRenewalDelayMs(signed.value, nowMs, random.fraction())
      metrics.gauge('mesh_server_certificate_expires_ms', signed.value.notAfterMs)
      this.#keep(signed.value)
    } else {
      this.#failures += 1
      this.#renewAtMs =
        nowMs + nextAttemptDelayMs(this.#failures, this.#notAfterMs - nowMs, random.fraction())
      log.error('the server’s own certificate could not be signed', { ...signed.failure })
    }
    this.#sleep()
    return signed
  }

  /** For the next start: the other servers are spoken to before the state is there to sign with. */
  #keep({ chainPem }: SignedChain): void {
    const { files, view, log } = this.#options
    const state = view()
    const { clusterId = '', datacenter = '' } = state.settings() ?? {}
    const hostRoots = publicRoots(state, 'host')
    const kept = writeServerFiles(files, {
      certificatePem: chainPem,
      clusterId,
      datacenter,
      hostRoots,
      hasState: true,
    })
    if (!kept.ok) log.error('the server’s certificate was not kept on disk', { ...kept.failure })
  }

  #sleep(): void {
    const { clock } = this.#options
    this.#timer?.cancel()
    const delayMs = Math.min(Math.max(0, this.#renewAtMs - clock.wallMs()), longestSleepMs)
    this.#timer = clock.after(delayMs, () => {
      if (clock.wallMs() >= this.#renewAtMs) this.renewNow()
      else this.#sleep()
    })
  }

  #identity(signed: SignedChain): TlsIdentity {
    return { certificatePem: signed.chainPem, privateKeyPem: privateKeyPem(this.#key) }
  }
}

/** What this server showed when it ran last, expired or not; undefined where it has no certificate or no key. */
export function storedIdentity(files: StateFiles, certificatePem: string): TlsIdentity | undefined {
  const stored = files.read(serverKeyFile)
  const key = stored === undefined ? undefined : readPrivateKeyPem(Buffer.from(stored).toString())
  return key?.ok === true ? { certificatePem, privateKeyPem: privateKeyPem(key.value) } : undefined
}
