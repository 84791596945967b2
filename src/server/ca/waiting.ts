/**
 * Waits until this server is admitted to a cluster: by `mesh enroll -server`, which writes the files, or by a token in the file
 * that the configuration names. Looks often, because a person stands beside it, and says what to type.
 */
import type { Failure } from '../../model/errors.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import { type EnrollmentToken, parseEnrollmentToken } from '../../rpc/enrollment-token.ts'
import { type JoiningOptions, joinCluster } from './joining.ts'
import { readServerFiles, type ServerFiles } from './server-files.ts'

export interface WaitingOptions extends JoiningOptions {
  /** Text of the token file, or undefined where none is configured or it is not there (yet). */
  readonly tokenText: () => string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly onAdmitted: (server: ServerFiles) => void
}

const lookEveryMs = 500
/** After a refusal the same token is not shown again for this long. */
const retryRefusedMs = 10_000
/** No server was there, or none led: that passes. */
const retryUnreachedMs = 1_000

/** What an operator types to let this server in. */
export function howToJoin(node: string): string {
  return `this server waits to be admitted to its cluster: on one of the servers type \`mesh token create -server -node ${node} -q > token\`, carry the file here and type \`mesh enroll -server -token-file token\``
}

/** What an operator types to let the first host in. */
export const howToEnroll =
  'a new mesh begins here; to let a host in, type on this server `mesh token create -node NAME -service SERVICE -q > token`, carry the file there and type `mesh enroll -token-file token`'

export class AdmissionWaiting {
  readonly #options: WaitingOptions
  #timer: Timer | undefined
  #tried = { text: '', untilMs: 0, reason: '' }
  #isStopped: boolean = false

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  /** Calls `onAdmitted` once, perhaps before it returns. */
  start(): void {
    this.#look()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #look(): void {
    if (this.#isStopped) return
    const { files, log, onAdmitted, tokenText } = this.#options
    const stored = readServerFiles(files)
    if (stored.ok && stored.value !== undefined) {
      onAdmitted(stored.value)
      return
    }
    if (!stored.ok) log.warn('the admission on disk cannot be used', { ...stored.failure })
    const text = tokenText()
    const token = text === undefined ? undefined : serverToken(text)
    if (text === undefined || token === undefined || this.#wasTried(text)) this.#lookLater()
    else
      joinCluster(this.#options, token, (result) => {
        if (!result.ok) this.#failed(text, result.failure)
        this.#lookLater()
      })
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.after(lookEveryMs, () => this.#look())
  }

  #wasTried(text: string): boolean {
    return text === this.#tried.text && this.#options.clock.monotonicMs() < this.#tried.untilMs
  }

  #failed(text: string, { code, message }: Failure): void {
    const { clock, log } = this.#options
    const passes = code === 'no-server' || code === 'no-leader' || code === 'write-outcome-unknown'
    if (message !== this.#tried.reason)
      log.warn('the cluster did not admit this server, will be tried again', { code, reason: message })
    const pauseMs = passes ? retryUnreachedMs : retryRefusedMs
    this.#tried = { text, untilMs: clock.monotonicMs() + pauseMs, reason: message }
  }
}

/** Undefined for what is no token, and for a host's: that one is for the agent of this machine. */
export function serverToken(text: string): EnrollmentToken | undefined {
  const token = parseEnrollmentToken(text)
  return token.ok && token.value.role === 'server' ? token.value : undefined
}
