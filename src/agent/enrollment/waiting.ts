/**
 * Waits until this host is enrolled: by `mesh enroll`, which writes the identity's files, or by a token in a file that the
 * configuration names. Looks often, because a person stands beside it, and says what to type.
 */
import type { Failure, Result } from '../../model/errors.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import { type EnrollmentToken, parseEnrollmentToken } from '../../rpc/enrollment-token.ts'
import type { HostEnrollment } from './enrollment.ts'

export interface WaitingOptions {
  readonly enrollment: HostEnrollment
  /** Text of the token file, or undefined where none is configured or it is not there (yet). */
  readonly tokenText: () => string | undefined
  /** A client that trusts the token's pin. */
  readonly connect: (token: EnrollmentToken) => Pick<ServerClient, 'enroll' | 'close'>
  readonly clock: Clock
  readonly log: Log
  readonly onEnrolled: () => void
}

const lookEveryMs = 500
/** After a refusal the same token is not shown again for this long. */
const retryRefusedMs = 10_000

export class EnrollmentWaiting {
  readonly #options: WaitingOptions
  #timer: Timer | undefined
  #client: Pick<ServerClient, 'close'> | undefined
  #refused = { text: '', untilMs: 0 }

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  /** Calls `onEnrolled` once, perhaps before it returns. */
  start(): void {
    const { enrollment, log, onEnrolled } = this.#options
    if (enrollment.identity() !== undefined) {
      onEnrolled()
      return
    }
    log.info(
      'this host is not enrolled; make a token with `mesh token create` and give it to `mesh enroll` here',
    )
    this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#client?.close()
  }

  #look(): void {
    const { enrollment, clock, log, onEnrolled, tokenText } = this.#options
    const stored = enrollment.reload()
    if (enrollment.identity() !== undefined) {
      log.info('this host is enrolled')
      onEnrolled()
      return
    }
    if (!stored.ok) log.warn('the enrollment on disk cannot be used', { ...stored.failure })
    const text = tokenText()
    if (text === undefined) enrollment.noteRefusal(undefined)
    if (text !== undefined && !this.#wasRefused(text)) this.#enroll(text)
    else this.#timer = clock.after(lookEveryMs, () => this.#look())
  }

  #wasRefused(text: string): boolean {
    return text === this.#refused.text && this.#options.clock.monotonicMs() < this.#refused.untilMs
  }

  #enroll(text: string): void {
    const { enrollment, connect } = this.#options
    const token: Result<EnrollmentToken> = parseEnrollmentToken(text)
    if (!token.ok) {
      this.#failed(text, token.failure)
      return
    }
    // On a server's host the file may hold the token of the server, which reads it itself.
    if (token.value.role === 'server') {
      this.#timer = this.#options.clock.after(lookEveryMs, () => this.#look())
      return
    }
    const client = connect(token.value)
    this.#client = client
    enrollment.enroll(token.value, client, (result) => {
      client.close()
      this.#client = undefined
      if (result.ok) this.#look()
      else this.#failed(text, result.failure)
    })
  }

  #failed(text: string, failure: Failure): void {
    const { clock, enrollment, log } = this.#options
    enrollment.noteRefusal(failure)
    log.warn('the enrollment token was not accepted, will be tried again', { ...failure })
    this.#refused = { text, untilMs: clock.monotonicMs() + retryRefusedMs }
    this.#timer = clock.after(lookEveryMs, () => this.#look())
  }
}
