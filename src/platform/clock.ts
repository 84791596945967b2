/**
 * The machine's clocks and timers behind the `Clock` port.
 * Refuses to know what is timed. The simulator has its own clock with virtual time.
 */
import type { Clock, Timer } from './ports.ts'

/** Longest delay that one `setTimeout` takes without wrapping to 1 ms (2^31 - 1, about 24.8 days). */
const longestTimeoutMs = 2_147_483_647

/**
 * Monotonic and wall time of this process. A delay of 0 or less runs after the present turn of the event loop, behind
 * the I/O that is ready; timers keep the process alive until they are cancelled.
 */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => (delayMs <= 0 ? nextTurn(callback) : delayed(delayMs, callback)),
}

function nextTurn(callback: () => void): Timer {
  const handle = setImmediate(callback)
  return { cancel: () => clearImmediate(handle) }
}

/**
 * Node counts a timeout from the start of the turn it was set in, so a busy turn makes it fire early; the due time is
 * checked again and the rest waited for, which also carries delays longer than one timeout may be.
 */
function delayed(delayMs: number, callback: () => void): Timer {
  const dueMs = performance.now() + delayMs
  let handle: NodeJS.Timeout
  const arm = (): void => {
    const leftMs = Math.min(Math.max(1, Math.ceil(dueMs - performance.now())), longestTimeoutMs)
    handle = setTimeout(() => (performance.now() >= dueMs ? callback() : arm()), leftMs)
  }
  arm()
  return { cancel: () => clearTimeout(handle) }
}
