/**
 * One question to another datacenter that is asked again and again: each time it waits there for a change, so that news is
 * here at once and nothing is asked for nothing. While the road is cut it is tried at growing intervals.
 */
import type { Failure } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Queries, QueryName } from '../../model/query.ts'
import type { Clock, Random, Timer } from '../../platform/ports.ts'
import type { FarRead } from './contract.ts'

export interface FollowingPorts {
  readonly read: FarRead
  readonly clock: Pick<Clock, 'after'>
  readonly random: Pick<Random, 'fraction'>
}

export interface Question<Name extends QueryName> {
  readonly datacenter: string
  readonly name: Name
  readonly args: Queries[Name]['args']
}

export interface FollowingListener<Name extends QueryName> {
  /** An answer that is not older than the last; the next question is asked once `next` was called. */
  answered(answer: Queries[Name]['answer'], index: number, next: () => void): void
  failed(failure: Failure): void
}

export class Following<Name extends QueryName> {
  readonly #ports: FollowingPorts
  readonly #question: Question<Name>
  readonly #listener: FollowingListener<Name>
  #index = 0
  #failures = 0
  #isStopped = false
  #reading: { cancel(): void } | undefined
  #timer: Timer | undefined

  constructor(ports: FollowingPorts, question: Question<Name>, listener: FollowingListener<Name>) {
    this.#ports = ports
    this.#question = question
    this.#listener = listener
    // Not inside the constructor: an answer may come at once, and whoever made this must know it first.
    this.#timer = ports.clock.after(0, () => this.#ask())
  }

  stop(): void {
    this.#isStopped = true
    this.#reading?.cancel()
    this.#timer?.cancel()
  }

  /** Asks for everything anew, after a pause: what was made of the last answer did not last. */
  startOver(): void {
    this.#index = 0
    this.#retry()
  }

  #ask(): void {
    const { datacenter, name, args } = this.#question
    const options = { consistency: 'default', minIndex: this.#index, waitMs: limits.farWaitMs } as const
    this.#reading = this.#ports.read(datacenter, { name, args, options, token: '' }, (result) => {
      if (this.#isStopped) return
      if (result.ok) this.#answered(result.value.answer, result.value.meta.index)
      else {
        this.#listener.failed(result.failure)
        this.#retry()
      }
    })
  }

  #answered(answer: Queries[Name]['answer'], index: number): void {
    // A state that was restored there begins again with a lower index.
    const isSame = index === this.#index
    this.#index = index
    const next = (): void => {
      this.#failures = 0
      if (!this.#isStopped) this.#timer = this.#ports.clock.after(limits.farPauseMs, () => this.#ask())
    }
    if (isSame) next()
    else this.#listener.answered(answer, index, next)
  }

  #retry(): void {
    if (this.#isStopped) return
    const { clock, random } = this.#ports
    const longestMs = Math.min(limits.farRetryMs * 2 ** this.#failures, limits.farRetryMaxMs)
    this.#failures = Math.min(this.#failures + 1, 16)
    this.#timer?.cancel()
    this.#timer = clock.after(longestMs * (0.5 + random.fraction() / 2), () => this.#ask())
  }
}
