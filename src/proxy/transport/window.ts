/**
 * How far the peer of a session may send ahead on a stream: what fits between a byte and the credit for it, found by
 * measuring. While data comes in a PING goes out; what arrived until its PONG is the product of bandwidth and delay, and a
 * window that was nearly used up in that time is doubled. Bounded per stream and per session. Knows no frames.
 *
 * The scheme is that of gRPC's BDP estimation: the estimate rises only while the window is what holds the sender back. Here
 * only the shortest round trip of late counts, as in BBR: in a longer one bytes stood in queues, where more of them help nobody.
 */
import { limits } from '../../model/limits.ts'

/** On shorter ways the first window is never used up; a longer one would only make other streams wait. */
const shortWayMs = 2
/** Between two measurements, so that a short way is not measured all the time. */
const restMs = 20
/** Share of the window that must have come within one round trip before it counts as too small. */
const usedUp = 0.6
/** Share of it that must fit into the shortest round trip: a way may be four times as long as it has to be, not more. */
const mayQueue = 0.25
/** The shortest round trip is looked for again after so long: ways change. */
const shortestForMs = 10_000

/** The shortest round trip of the last ten to twenty seconds. */
class ShortestTrip {
  private sinceMs = Number.NEGATIVE_INFINITY
  private present = Number.POSITIVE_INFINITY
  private before = Number.POSITIVE_INFINITY

  with(tripMs: number, nowMs: number): number {
    if (nowMs - this.sinceMs >= shortestForMs) {
      this.before = this.present
      this.present = tripMs
      this.sinceMs = nowMs
    }
    this.present = Math.min(this.present, tripMs)
    return Math.min(this.present, this.before)
  }
}

export class ReceiveWindow {
  /** What a stream that returns credit may have under way; grows with what is measured. */
  streamBytes: number = limits.streamWindowBytes
  private readonly nowMs: () => number
  private readonly shortestTrip = new ShortestTrip()
  /** Granted to streams beyond the first window of each. */
  private extraBytes = 0
  private measuring: boolean = false
  private busy: boolean = false
  private sentMs = Number.NEGATIVE_INFINITY
  private arrived = 0

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** Bytes of data came in. True: a PING is to be sent now, to measure. */
  onData(bytes: number): boolean {
    this.arrived += bytes
    if (this.measuring || (!this.busy && this.arrived < limits.tunnelMeasureBytes)) return false
    const nowMs = this.nowMs()
    if (nowMs - this.sentMs < restMs) return false
    this.measuring = true
    this.sentMs = nowMs
    this.arrived = bytes
    return true
  }

  /** The answer to our PING. */
  onPong(): void {
    if (!this.measuring) return
    const { arrived } = this
    this.measuring = false
    // While there is much to measure the next PING goes out with the first data, so that a whole flight is counted.
    this.busy = arrived >= limits.tunnelMeasureBytes
    this.arrived = 0
    const nowMs = this.nowMs()
    const tripMs = nowMs - this.sentMs
    const shortestMs = this.shortestTrip.with(tripMs, nowMs)
    const underWay = (arrived * shortestMs) / tripMs
    if (shortestMs < shortWayMs || underWay < mayQueue * this.streamBytes) return
    if (arrived < usedUp * this.streamBytes) return
    this.streamBytes = Math.min(limits.streamWindowMaxBytes, Math.max(this.streamBytes, arrived) * 2)
  }

  /** How many bytes a stream's window may grow now, which has `bytes`; they are taken from the session's budget. */
  growth(bytes: number): number {
    const left = limits.sessionWindowBytes - this.extraBytes
    const grown = Math.max(0, Math.min(this.streamBytes - bytes, left))
    this.extraBytes += grown
    return grown
  }

  /** A stream with a window of so many bytes has ended. */
  release(bytes: number): void {
    this.extraBytes -= bytes - limits.streamWindowBytes
  }
}
