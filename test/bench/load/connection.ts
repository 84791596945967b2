// What a load generator holds: a connection over which one call at a time, or many, go to a server.

/** `refused`: an answer that says no. `lost`: the connection went before the answer came. */
export type Outcome = 'accepted' | 'refused' | 'lost'

export interface Connection {
  call(message: Buffer, done: (outcome: Outcome) => void): void
  close(): void
}
