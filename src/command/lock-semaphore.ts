/**
 * A lock that several hold: each contender has a key PREFIX/SESSION of its own, and PREFIX/.lock lists who holds. Holders whose
 * session ended are struck off by whoever comes next. The form is that of Consul's `lock -n` (reference/consul.md 12).
 */
import { CommandFailure } from './failure.ts'
import type { LockAsk, LockRow, Seen } from './lock-ask.ts'
import type { Claim } from './lock-mutex.ts'

/** By these flags a key is known as part of a semaphore. */
const semaphoreFlags = '16210313421097356768'

interface Holders {
  readonly Limit: number
  readonly Holders: Readonly<Record<string, boolean>>
}

export class Semaphore implements Claim {
  readonly #ask: LockAsk
  readonly #prefix: string
  readonly #session: string
  readonly #limit: number
  #isHeld: boolean = false

  constructor(ask: LockAsk, prefix: string, of: { readonly session: string; readonly limit: number }) {
    this.#ask = ask
    this.#prefix = `${prefix}/`
    this.#session = of.session
    this.#limit = of.limit
  }

  get #lockKey(): string {
    return `${this.#prefix}.lock`
  }

  async acquire(untilMs: number): Promise<boolean> {
    const query = `acquire=${this.#session}&flags=${semaphoreFlags}`
    if (!(await this.#ask.put(`${this.#prefix}${this.#session}`, query, '')))
      throw new CommandFailure('the session was lost before the lock was taken')
    let index = 0
    while (index === 0 || Date.now() < untilMs) {
      const seen = await this.#ask.rows(this.#prefix, { recurse: true, index, untilMs })
      index = seen.index
      const holders = this.#holders(seen)
      // A write whose answer was lost may have been made.
      const isIn = holders[this.#session] === true
      if (!isIn && Object.keys(holders).length >= this.#limit) continue
      if (isIn || (await this.#write({ ...holders, [this.#session]: true }, seen))) {
        this.#isHeld = true
        return true
      }
      index = 0
    }
    return false
  }

  async watch(): Promise<string> {
    let index = 0
    for (;;) {
      const seen = await this.#ask.rows(this.#prefix, {
        recurse: true,
        index,
        untilMs: Number.POSITIVE_INFINITY,
      })
      index = seen.index
      if (this.#holders(seen)[this.#session] !== true) return 'the servers took it back'
    }
  }

  async release(): Promise<void> {
    try {
      if (this.#isHeld) await this.#leave()
    } finally {
      await this.#ask.remove(`${this.#prefix}${this.#session}`, '')
    }
  }

  async #leave(): Promise<void> {
    for (let isDone = false; !isDone; ) {
      const seen = await this.#ask.rows(this.#prefix, { recurse: true, index: 0, untilMs: 0 })
      const { [this.#session]: own, ...others } = this.#holders(seen)
      const lock = this.#lock(seen)
      if (Object.keys(others).length === 0 && lock !== undefined) {
        await this.#ask.remove(this.#lockKey, `cas=${lock.ModifyIndex}`)
        isDone = true
      } else isDone = own === undefined || (await this.#write(others, seen))
    }
  }

  /** Those that the lock names and whose session is alive, as their own keys show. */
  #holders(seen: Seen): Readonly<Record<string, boolean>> {
    const lock = this.#lock(seen)
    if (lock === undefined) return {}
    const { Limit: limit, Holders: named } = readHolders(lock)
    if (limit !== this.#limit)
      throw new CommandFailure(`the lock is for ${limit} holders, not for ${this.#limit}`, {
        next: `mesh lock -n ${limit} ...`,
      })
    const alive = new Set(seen.rows.map(({ Session }) => Session))
    return Object.fromEntries(Object.entries(named).filter(([session]) => alive.has(session)))
  }

  #lock({ rows }: Seen): LockRow | undefined {
    const lock = rows.find(({ Key }) => Key === this.#lockKey)
    if (lock !== undefined && lock.Flags !== semaphoreFlags)
      throw new CommandFailure(`the key "${lock.Key}" is there and is no semaphore`, {
        next: 'take another prefix, or see what it is with mesh kv get -o json',
      })
    return lock
  }

  #write(holders: Readonly<Record<string, boolean>>, seen: Seen): Promise<boolean> {
    const content: Holders = { Limit: this.#limit, Holders: holders }
    const cas = this.#lock(seen)?.ModifyIndex ?? 0
    return this.#ask.put(this.#lockKey, `cas=${cas}&flags=${semaphoreFlags}`, JSON.stringify(content))
  }
}

function readHolders({ Key: key, Value: value }: LockRow): Holders {
  try {
    const content = JSON.parse(Buffer.from(value ?? '', 'base64').toString()) as Partial<Holders>
    return { Limit: Number(content.Limit), Holders: content.Holders ?? {} }
  } catch {
    throw new CommandFailure(`the key "${key}" does not hold the list of a semaphore`)
  }
}
