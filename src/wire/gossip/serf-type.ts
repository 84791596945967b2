/** Numbers of Serf's messages and query filters: the first byte of each. Part of the protocol, never renumbered. */
export const serfTypes = {
  leaveIntent: 0,
  joinIntent: 1,
  state: 2,
  userEvent: 3,
  query: 4,
  queryResponse: 5,
  conflictResponse: 6,
  keyRequest: 7,
  keyResponse: 8,
  relay: 9,
} as const

export const filterTypes = { nodes: 0, tag: 1 } as const

export const queryFlags = { ack: 1, noBroadcast: 2 } as const
