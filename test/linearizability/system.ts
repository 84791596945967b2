// What the harness needs of a replicated store: members that can be killed and paused, and clients whose answers say how sure
// they are. Ours and etcd are behind it, so that both run under the same clients, faults and checker.

export type Answer<Value> =
  | { readonly kind: 'ok'; readonly value: Value }
  /** Surely without effect. */
  | { readonly kind: 'failed' }
  /** The answer did not come, or says that nobody knows. */
  | { readonly kind: 'unknown' }

/** What a key holds, with the index at which it was written: the condition of a swap. */
export interface Held {
  readonly value: string
  readonly version: string
}

/** All calls give up by themselves after `timeoutMs` with `unknown`. */
export interface StoreClient {
  read(key: string, timeoutMs: number): Promise<Answer<Held | null>>
  write(key: string, value: string, timeoutMs: number): Promise<Answer<true>>
  /** Writes only where the key holds what was read at `version`; null: only where it is absent. */
  swap(
    key: string,
    next: { version: string | null; value: string },
    timeoutMs: number,
  ): Promise<Answer<boolean>>
  remove(key: string, timeoutMs: number): Promise<Answer<true>>
  /** Every key below `prefix`. */
  list(prefix: string): Promise<Answer<readonly string[]>>
  close(): void
}

export interface SystemUnderTest {
  readonly name: string
  readonly members: number
  /** Resolves when there is a leader. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Position of the member that leads, as far as one can be asked. */
  leader(): Promise<number | undefined>
  kill(member: number): Promise<void>
  restart(member: number): void
  pause(member: number): void
  resume(member: number): void
  /** A connection to one member; `variant` chooses between the ways in that a system has. */
  client(member: number, variant: number): StoreClient
}
