/** Numbers of memberlist's messages: the first byte of each. Part of the protocol, never renumbered. */
export const messageTypes = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compressed: 9,
  encrypted: 10,
  nack: 11,
  checksummed: 12,
  error: 13,
  labelled: 244,
} as const
