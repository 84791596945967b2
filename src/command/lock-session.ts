/**
 * The session of `mesh lock`: made before the lock, renewed at half its time to live, destroyed at the end. When it is gone,
 * so is the lock.
 */
import type { SessionBehavior } from '../model/session.ts'
import type { Client } from './client.ts'
import { CommandFailure } from './failure.ts'

const ttlMs = 15_000

export class LockSession {
  readonly id: string
  /** Resolves with the reason when the servers do not know the session any more. */
  readonly lost: Promise<string>
  readonly #client: Client
  #timer: NodeJS.Timeout | undefined
  #lose: (reason: string) => void = () => undefined

  private constructor(client: Client, id: string) {
    this.#client = client
    this.id = id
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
    this.#plan()
  }

  static async open(
    client: Client,
    of: { readonly name: string; readonly behavior: SessionBehavior },
  ): Promise<LockSession> {
    const reply = await client.ask('PUT', '/v1/session/create', {
      Name: of.name,
      Behavior: of.behavior,
      TTL: `${ttlMs / 1_000}s`,
    })
    return new LockSession(client, reply.json<{ readonly ID: string }>().ID)
  }

  /** Frees whatever it holds; a failure only means that the servers will do it later. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#client.attempt('PUT', `/v1/session/destroy/${this.id}`).catch(() => undefined)
  }

  #plan(): void {
    this.#timer = setTimeout(() => this.#renew(), ttlMs / 2)
  }

  async #renew(): Promise<void> {
    const reply = await this.#client
      .attempt('PUT', `/v1/session/renew/${this.id}`)
      .catch((error: unknown) => (error instanceof CommandFailure ? undefined : Promise.reject(error)))
    if (this.#timer === undefined) return
    // Servers that are away end no sessions; whether the lock is still held its watch finds out.
    if (reply?.status === 404) this.#lose('its session expired')
    else this.#plan()
  }
}
