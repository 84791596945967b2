/**
 * Opens one connection to a destination: instance after instance while the refusal is about the instance, within one
 * time limit for all. Knows no TLS and no client socket.
 */

import { limits } from '../../model/limits.ts'
import type { Endpoint } from '../../model/proxy-config.ts'
import { type RefusalCode, refusalCatalogue } from '../../model/refusal.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { Balancer } from '../balance/balancer.ts'
import type { ByteStream, PeerFacts, Transport } from './transport.ts'

export interface AttemptsRequest {
  readonly transport: Transport
  readonly balancer: Balancer
  /** For all attempts together. */
  readonly timeoutMs: number
}

export interface AttemptsAnswer {
  onAccepted(stream: ByteStream, peer: PeerFacts, endpoint: Endpoint): void
  /** The last refusal, with the instance it came from where there was one. */
  onRefused(code: RefusalCode, text: string, endpoint: Endpoint | undefined): void
}

export class Attempts {
  private readonly request: AttemptsRequest
  private readonly clock: Clock
  private readonly answer: AttemptsAnswer
  private readonly tried: string[] = []
  private deadlineMs = 0
  private timer: Timer | undefined
  private opening: { cancel(): void } | undefined
  private over: boolean = false

  constructor(request: AttemptsRequest, clock: Clock, answer: AttemptsAnswer) {
    this.request = request
    this.clock = clock
    this.answer = answer
  }

  start(): void {
    this.deadlineMs = this.clock.monotonicMs() + this.request.timeoutMs
    const endpoint = this.request.balancer.pick(this.tried)
    if (endpoint === undefined) this.refuse('no-healthy-instance', '', undefined)
    else this.attempt(endpoint)
  }

  /** The client is gone; no answer comes any more. */
  cancel(): void {
    if (this.over) return
    this.over = true
    this.timer?.cancel()
    this.opening?.cancel()
  }

  private attempt(endpoint: Endpoint): void {
    const { transport, balancer } = this.request
    this.tried.push(endpoint.id)
    const round = this.tried.length
    const leftMs = this.deadlineMs - this.clock.monotonicMs()
    // An instance that never answers must leave time for the others.
    const attemptsLeft = Math.min(limits.openAttempts, balancer.usable) - round + 1
    let pending = true
    const settle = (): boolean => {
      const first = pending && !this.over
      pending = false
      if (first) this.timer?.cancel()
      return first
    }
    this.timer = this.clock.after(leftMs / Math.max(1, attemptsLeft), () => {
      if (!settle()) return
      this.opening?.cancel()
      this.onFailed('connect-timeout', `no answer from ${endpoint.address}:${endpoint.port}`, endpoint)
    })
    const opening = transport.open(
      { service: balancer.service, datacenter: balancer.datacenter, endpoint },
      {
        onAccepted: (stream, peer) => {
          if (!settle()) return
          this.over = true
          this.answer.onAccepted(stream, peer, endpoint)
        },
        onRefused: (code, text) => {
          if (settle()) this.onFailed(code, text, endpoint)
        },
      },
    )
    // A transport may answer at once; then this attempt is over and another one may have begun.
    if (pending) this.opening = opening
  }

  private onFailed(code: RefusalCode, text: string, endpoint: Endpoint): void {
    const mayTry = refusalCatalogue[code].tryNext && this.tried.length < limits.openAttempts
    const inTime = this.clock.monotonicMs() < this.deadlineMs
    const next = mayTry && inTime ? this.request.balancer.pick(this.tried) : undefined
    if (next === undefined) this.refuse(code, text, endpoint)
    else this.attempt(next)
  }

  private refuse(code: RefusalCode, text: string, endpoint: Endpoint | undefined): void {
    this.over = true
    this.answer.onRefused(code, text, endpoint)
  }
}
