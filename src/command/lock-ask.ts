/**
 * How locks ask the agent: reads that prove the leader, again after a pause where the agent or the servers fail for a while,
 * and blocking reads. What a lock is made of stands in lock-mutex.ts and lock-semaphore.ts.
 */
import type { Client, Reply } from './client.ts'
import { refusalOfText } from './client.ts'
import { CommandFailure } from './failure.ts'
import { type KvRow, kvPath, readRows } from './kv.ts'

/** A row with what only locks look at. */
export interface LockRow extends KvRow {
  readonly Session?: string
}

export interface Seen {
  readonly rows: readonly LockRow[]
  readonly index: number
}

const pauseMs = 1_000
/** One blocking read; a lock that is waited for asks again. */
const longestWaitMs = 60_000

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export class LockAsk {
  readonly #client: Client
  /** Failures in a row that are borne. */
  readonly #retries: number

  constructor(client: Client, retries: number) {
    this.#client = client
    this.#retries = retries
  }

  /** Rows under `key`, or under everything that begins with it, once they differ from those of `index`, or time is up. */
  async rows(key: string, options: { recurse: boolean; index: number; untilMs: number }): Promise<Seen> {
    const { recurse, index, untilMs } = options
    const waitMs = Math.max(1, Math.min(longestWaitMs, untilMs - Date.now()))
    const query = `consistent${recurse ? '&recurse' : ''}&index=${index}&wait=${Math.ceil(waitMs)}ms`
    const reply = await this.send('GET', `${kvPath(key)}?${query}`, { accept: [404] })
    const rows = reply.status === 404 ? [] : (readRows(reply.text) as readonly LockRow[])
    const now = Number(reply.header('x-consul-index'))
    return { rows, index: now < index ? 0 : now }
  }

  /** Whether the write was made: a condition or a lock may have been against it. */
  async put(key: string, query: string, value: string): Promise<boolean> {
    const reply = await this.send('PUT', `${kvPath(key)}?${query}`, { body: Buffer.from(value) })
    return reply.text.trim() === 'true'
  }

  async remove(key: string, query: string): Promise<void> {
    await this.send('DELETE', `${kvPath(key)}?${query}`, {})
  }

  /** A reply below 300, or with one of the statuses that are accepted; other failures of servers are borne for a while. */
  async send(
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    { body, accept = [] }: { readonly body?: Uint8Array; readonly accept?: readonly number[] },
  ): Promise<Reply> {
    for (let failures = 0; ; failures++) {
      const outcome = await this.#client
        .attempt(method, path, body)
        .catch((error: unknown) => (error instanceof CommandFailure ? error : Promise.reject(error)))
      const isReply = !(outcome instanceof CommandFailure)
      if (isReply && (outcome.status < 300 || accept.includes(outcome.status))) return outcome
      const refusal = isReply
        ? refusalOfText(outcome.status, outcome.text, outcome.header('x-mesh-reason'))
        : outcome
      const passes =
        !isReply || (outcome.status >= 500 && outcome.header('x-mesh-reason') !== 'unknown-session')
      if (!passes || failures >= this.#retries) throw refusal
      await pause(pauseMs)
    }
  }
}
