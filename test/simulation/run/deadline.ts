/**
 * The end of a job's time, counted in processor time: on a machine that is busy with other things, wall time would call an
 * honest run hung. A thread cannot be asked for its own share while it spins, so the process's is divided by its threads.
 */
export interface DeadlineOptions {
  /** Of processor time. */
  readonly timeoutMs: number
  /** How many threads run jobs beside each other, this one included. */
  readonly threads: number
}

/** For a job that waits for ever and takes no processor time: so many times its time by the wall clock. */
const wallTimes = 15
const looksPerTimeout = 20

/** Calls `onEnd` once, unless `close` is called before. */
export function startDeadline(options: DeadlineOptions, onEnd: () => void): { close(): void } {
  const { timeoutMs, threads } = options
  const startedMs = performance.now()
  const usageAtStart = process.cpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(usageAtStart)
    const ownShareMs = (user + system) / 1_000 / threads
    const wallMs = performance.now() - startedMs
    if (ownShareMs < timeoutMs && wallMs < timeoutMs * wallTimes) return
    clearInterval(timer)
    onEnd()
  }, timeoutMs / looksPerTimeout)
  return { close: () => clearInterval(timer) }
}
