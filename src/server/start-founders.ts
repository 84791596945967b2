/**
 * `bootstrap_expect`: servers that have the same list of each other wait until all are there, so that a server whose disk was
 * lost cannot found a second cluster beside the living one. What each says meanwhile is rpc/founders.ts.
 */
import type { Settings } from '../config/settings.ts'
import type { Result } from '../model/errors.ts'
import type { Clock, Log } from '../platform/ports.ts'
import { announceWaiting, type Founder, probeFounder, type WaitingPlace } from '../rpc/founders.ts'

export interface FoundersOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
  /** One line for whoever asks systemd. */
  readonly status: (text: string) => void
  /** The process was told to end. */
  readonly stopped: Promise<void>
}

const lookEveryMs = 1_000

/**
 * `found` once every one of `others` waits, `wait` as soon as one of them turns out to serve a cluster; undefined where the
 * process was told to end.
 */
export async function meetFounders(
  { clock, log, status, stopped }: FoundersOptions,
  others: readonly string[],
): Promise<'found' | 'wait' | undefined> {
  let isStopped = false
  const ended = stopped.then(() => {
    isStopped = true
  })
  let told = ''
  while (!isStopped) {
    const found = await Promise.all(
      others.map(async (address) => ({ address, is: await probe(address, clock) })),
    )
    const away = found.filter(({ is }) => is === 'away').map(({ address }) => address)
    const serving = found.find(({ is }) => is === 'serving')
    if (serving !== undefined) {
      log.warn('there is a cluster already, so this server founds none', { server: serving.address })
      return 'wait'
    }
    if (away.length === 0) return 'found'
    const words = `waiting for the other servers of bootstrap_expect: ${away.join(', ')}`
    if (words !== told) log.info(words)
    told = words
    status(words)
    await Promise.race([ended, new Promise<void>((resolve) => clock.after(lookEveryMs, resolve))])
  }
  return undefined
}

/** Lets the one that founds see that this server is there; frees the port when it is asked to. */
export async function beSeenWaiting({ settings, log }: FoundersOptions): Promise<() => Promise<void>> {
  if (settings.bootstrapExpect <= 1) return () => Promise.resolve()
  const { bindAddress, ports } = settings
  const place = await new Promise<Result<WaitingPlace>>((resolve) =>
    announceWaiting(bindAddress, ports.server, resolve),
  )
  if (!place.ok) log.warn('the other servers cannot see that this one waits', { ...place.failure })
  return () => new Promise((resolve) => (place.ok ? place.value.close(resolve) : resolve()))
}

const probe = (address: string, clock: Clock): Promise<Founder> =>
  new Promise((resolve) => probeFounder(address, clock, resolve))
