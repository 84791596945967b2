/**
 * Opens one connection to a destination: instance after instance while the refusal is about the instance, within one
 * time limit for all, and tells the balancer how each went. Knows no TLS and no client socket.
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
  /** Absent: bytes. */
  readonly protocol?: 'udp'
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
  /** The instance that is asked, or that accepted: it counts as busy. */
  private busy: Endpoint | undefined
  private begun: boolean = false
  private over: boolean = false

  constructor(request: AttemptsRequest, clock: Clock, answer: AttemptsAnswer) {
    this.request = request
    this.clock = clock
    this.answer = answer
  }

  start(): void {
    const { balancer, timeoutMs } = this.request
    const full = balancer.full()
    if (full !== '') {
      this.refuse('too-many-connections', full, undefined)
      return
    }
    this.begun = true
    balancer.began()
    this.deadlineMs = this.clock.monotonicMs() + timeoutMs
    const endpoint = balancer.pick(this.tried)
    if (endpoint === undefined) this.refuse('no-healthy-instance', '', undefined)
    else this.attempt(endpoint)
  }

  /** The connection is gone, before or after an instance accepted it; to be called once. No answer comes any more. */
  finish(): void {
    const { balancer } = this.request
    if (!this.over) {
      this.settleAll()
      this.timer?.cancel()
      this.opening?.cancel()
    }
    if (this.busy !== undefined) balancer.released(this.busy)
    this.busy = undefined
    if (this.begun) balancer.ended()
    this.begun = false
  }

  private attempt(endpoint: Endpoint): void {
    const { transport, balancer, protocol } = this.request
    this.busy = endpoint
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
      {
        service: balancer.service,
        datacenter: balancer.datacenter,
        trustDomain: balancer.trustDomain,
        endpoint,
        ...(protocol === undefined ? {} : { protocol }),
      },
      {
        onAccepted: (stream, peer) => {
          if (!settle()) return
          balancer.accepted(endpoint)
          this.settleAll()
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
    const { balancer } = this.request
    this.busy = undefined
    balancer.failed(endpoint, code)
    const mayTry = refusalCatalogue[code].tryNext && this.tried.length < limits.openAttempts
    const inTime = this.clock.monotonicMs() < this.deadlineMs
    const next = mayTry && inTime ? balancer.pick(this.tried) : undefined
    if (next === undefined) this.refuse(code, text, endpoint)
    else this.attempt(next)
  }

  private refuse(code: RefusalCode, text: string, endpoint: Endpoint | undefined): void {
    this.settleAll()
    this.answer.onRefused(code, text, endpoint)
  }

  private settleAll(): void {
    this.over = true
    if (this.begun) this.request.balancer.opened()
  }
}
