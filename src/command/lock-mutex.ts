/**
 * A lock that one holds: the key PREFIX/.lock, taken with a session. Key, flags and order of the steps are those of Consul's
 * `lock` command, so that both can compete for one lock (reference/consul.md 12).
 */
import { CommandFailure } from './failure.ts'
import { type LockAsk, type LockRow, pause } from './lock-ask.ts'

/** What can be held while a child runs. */
export interface Claim {
  /** True once it is held; false where `untilMs` came first. */
  acquire(untilMs: number): Promise<boolean>
  /** Resolves with the reason when it is held no more. */
  watch(): Promise<string>
  /** Gives it back and removes what nobody needs then. */
  release(): Promise<void>
}

/** By these flags a key is known as a lock; a key that has others belongs to somebody else. */
const lockFlags = '3304740253564472344'
/** A lock that was lost stays shut for a while; there is nothing to wait for but time. */
const delayedRetryMs = 1_000

export class Mutex implements Claim {
  readonly #ask: LockAsk
  readonly #key: string
  readonly #session: string

  constructor(ask: LockAsk, prefix: string, session: string) {
    this.#ask = ask
    this.#key = `${prefix}/.lock`
    this.#session = session
  }

  async acquire(untilMs: number): Promise<boolean> {
    let index = 0
    while (index === 0 || Date.now() < untilMs) {
      const seen = await this.#ask.rows(this.#key, { recurse: false, index, untilMs })
      index = seen.index
      if (holderOf(seen.rows[0]) !== '') continue
      if (await this.#ask.put(this.#key, `acquire=${this.#session}&flags=${lockFlags}`, '')) return true
      const again = await this.#ask.rows(this.#key, { recurse: false, index: 0, untilMs })
      if (holderOf(again.rows[0]) === '')
        await pause(Math.min(delayedRetryMs, Math.max(0, untilMs - Date.now())))
    }
    return false
  }

  async watch(): Promise<string> {
    let index = 0
    for (;;) {
      const seen = await this.#ask.rows(this.#key, {
        recurse: false,
        index,
        untilMs: Number.POSITIVE_INFINITY,
      })
      index = seen.index
      if (seen.rows[0]?.Session !== this.#session) return 'the servers took it back'
    }
  }

  async release(): Promise<void> {
    const { rows } = await this.#ask.rows(this.#key, { recurse: false, index: 0, untilMs: 0 })
    const [held] = rows
    if (held?.Session === this.#session)
      await this.#ask.put(this.#key, `release=${this.#session}&flags=${held.Flags}`, '')
    const after = await this.#ask.rows(this.#key, { recurse: false, index: 0, untilMs: 0 })
    const [left] = after.rows
    if (left !== undefined && left.Session === undefined && left.Flags === lockFlags)
      await this.#ask.remove(this.#key, `cas=${left.ModifyIndex}`)
  }
}

function holderOf(row: LockRow | undefined): string {
  if (row !== undefined && row.Flags !== lockFlags)
    throw new CommandFailure(`the key "${row.Key}" is there and is no lock`, {
      next: 'take another prefix, or see what it is with mesh kv get -o json',
    })
  return row?.Session ?? ''
}
