/**
 * Which tunnel session a connection gets: one per (local service, remote service, address), made when it is first needed,
 * replaced when it is old, full, silent or said goodbye. A session is never shared between two local services, because
 * the far side knows who asks by the session's certificate.
 */
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { encodeMetadata } from '../../wire/tunnel/metadata.ts'
import type { ServiceIdentity } from '../identity/service-identity.ts'
import type { ProvenFar } from './far-socket.ts'
import { PlainConnections } from './plain-connections.ts'
import type { StreamAnswer } from './session.ts'
import type { TunnelStream } from './stream.ts'
import type { OpenAnswer, Target, Transport } from './transport.ts'
import { TunnelDial, type TunnelPlace, type Waiting } from './tunnel-dial.ts'

/** What is known of one address besides its sessions. */
interface Destination {
  /** Takes new streams, or is being dialled. */
  present: TunnelDial | undefined
  /** Dials in a row that failed. */
  failures: number
  failedAtMs: number
  lastFailure: { readonly code: RefusalCode; readonly text: string }
}

const firstPauseMs = 50
const longestPauseMs = 1_000

export class TunnelSessions {
  readonly plain: PlainConnections
  private readonly place: TunnelPlace
  private readonly destinations = new Map<string, Destination>()
  /** Connected or being dialled, also those that take no new streams. */
  private readonly live = new Set<TunnelDial>()
  private readonly transports = new WeakMap<ServiceIdentity, Transport>()

  constructor(place: TunnelPlace) {
    this.place = place
    this.plain = new PlainConnections(place)
  }

  /** Opens connections on behalf of one local service. */
  transport(identity: ServiceIdentity): Transport {
    const known = this.transports.get(identity)
    if (known !== undefined) return known
    const made: Transport = {
      open: (target, answer) => {
        const opening = new Opening(this, identity, target, answer)
        opening.begin()
        return opening
      },
    }
    this.transports.set(identity, made)
    return made
  }

  /** A session for one more stream, up or being dialled; or why there is none now. */
  sessionFor(
    identity: ServiceIdentity,
    target: Target,
  ): TunnelDial | { readonly code: RefusalCode; readonly text: string } {
    const key = destinationKey(identity, target)
    const destination = this.destinations.get(key)
    const { present } = destination ?? {}
    // After a renewal of the certificate new streams go out under the new one.
    if (present !== undefined && present.identity !== identity) present.retire()
    else if (present?.takesStreams() === true) return present
    if (destination !== undefined && this.mustPause(destination)) return destination.lastFailure
    if (destination === undefined && !this.hasRoom())
      return {
        code: 'too-many-connections',
        text: `${limits.tunnelDestinations} destinations in this worker`,
      }
    return this.dial(key, identity, target)
  }

  /** All sessions take no new streams and end with their last. */
  leave(): void {
    for (const { present } of [...this.destinations.values()]) present?.retire()
  }

  /** Ends the sessions whose far side the roots of now do not prove. */
  recheckTrust(): void {
    for (const dial of [...this.live]) dial.recheckTrust()
    this.plain.recheckTrust()
  }

  /** Failures that mean nothing any more make room. */
  private hasRoom(): boolean {
    if (this.destinations.size < limits.tunnelDestinations) return true
    const nowMs = this.place.clock.monotonicMs()
    for (const [key, { present, failedAtMs }] of this.destinations)
      if (present === undefined && nowMs - failedAtMs > longestPauseMs) this.destinations.delete(key)
    return this.destinations.size < limits.tunnelDestinations
  }

  private dial(key: string, identity: ServiceIdentity, target: Target): TunnelDial {
    const destination: Destination = this.destinations.get(key) ?? {
      present: undefined,
      failures: 0,
      failedAtMs: 0,
      lastFailure: { code: 'connect-failed', text: '' },
    }
    this.destinations.set(key, destination)
    const dial: TunnelDial = new TunnelDial(this.place, identity, target, {
      onUp: () => {
        destination.failures = 0
      },
      onFailed: (code, text) => {
        destination.failures += 1
        destination.failedAtMs = this.place.clock.monotonicMs()
        destination.lastFailure = { code, text }
      },
      onPlain: () => this.plain.learn(key),
      onRetired: () => {
        if (destination.present !== dial) return
        destination.present = undefined
        // Kept only while there is something to know.
        if (destination.failures === 0) this.destinations.delete(key)
      },
      onGone: () => this.live.delete(dial),
    })
    destination.present = dial
    this.live.add(dial)
    dial.start()
    return dial
  }

  /** The first failure is followed at once by another try, later ones by pauses that grow. */
  private mustPause({ failures, failedAtMs }: Destination): boolean {
    if (failures < 2) return false
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 2))
    return this.place.clock.monotonicMs() - failedAtMs < pauseMs
  }
}

function destinationKey(identity: ServiceIdentity, target: Target): string {
  const { address, port } = target.endpoint
  return `${identity.uri} ${target.service} ${target.datacenter} ${address} ${port}`
}

/** One connection's way onto a session. */
class Opening implements StreamAnswer, Waiting {
  private readonly sessions: TunnelSessions
  private readonly identity: ServiceIdentity
  private readonly target: Target
  private readonly answer: OpenAnswer
  private dial: TunnelDial | undefined
  private stream: TunnelStream | undefined
  private plain: { cancel(): void } | undefined
  /** It was up before us: that it says goodbye or is gone tells nothing about a new one. */
  private joined: boolean = false
  private over: boolean = false

  constructor(sessions: TunnelSessions, identity: ServiceIdentity, target: Target, answer: OpenAnswer) {
    this.sessions = sessions
    this.identity = identity
    this.target = target
    this.answer = answer
  }

  begin(): void {
    if (this.sessions.plain.knows(destinationKey(this.identity, this.target))) {
      this.onPlain(undefined)
      return
    }
    const dial = this.sessions.sessionFor(this.identity, this.target)
    if (!(dial instanceof TunnelDial)) {
      this.refuse(dial.code, dial.text)
      return
    }
    this.dial = dial
    this.joined = dial.isUp
    if (dial.isUp) this.onUp()
    else dial.wait(this)
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    if (this.over) return
    this.over = true
    if (this.plain !== undefined) this.plain.cancel()
    else if (this.stream !== undefined) this.stream.reset('closed', '')
    else this.dial?.stopWaiting(this)
  }

  onUp(): void {
    if (this.over) return
    const { service, datacenter, endpoint, protocol } = this.target
    const source = this.identity.identity.service
    const names = { source, target: service, datacenter, instance: endpoint.id }
    const metadata = encodeMetadata(protocol === undefined ? names : { ...names, protocol })
    if (metadata === undefined) {
      this.refuse('internal-error', 'names too long for an OPEN frame')
      return
    }
    this.stream = this.dial?.open(metadata, this)
    if (this.stream === undefined) this.onRefused('draining', '')
  }

  onFailed(code: RefusalCode, text: string): void {
    this.refuse(code, text)
  }

  /** A connection of its own instead of a stream. */
  onPlain(far: ProvenFar | undefined): void {
    if (this.over) {
      far?.socket.destroy()
      return
    }
    if (this.target.protocol === 'udp') {
      far?.socket.destroy()
      this.refuse('no-datagrams', 'the far proxy does not speak the tunnel')
      return
    }
    const { identity, target } = this
    this.plain = this.sessions.plain.open({ identity, target }, this.answer, far)
  }

  onAck(stream: TunnelStream): void {
    if (this.over || this.dial === undefined) return
    this.over = true
    this.answer.onAccepted(stream, this.dial.peer)
  }

  onRefused(code: EndCode, text: string): void {
    if (this.over) return
    const isGoodbye = code === 'closed' || code === 'draining'
    // Nothing was sent on the stream, so another session may be asked.
    if (isGoodbye && this.joined) {
      this.stream = undefined
      this.begin()
    } else this.refuse(code === 'closed' ? 'connect-failed' : code, text)
  }

  private refuse(code: RefusalCode, text: string): void {
    if (this.over) return
    this.over = true
    this.answer.onRefused(code, text)
  }
}
