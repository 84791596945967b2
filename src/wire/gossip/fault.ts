/** What can be wrong with bytes of a pool, where it is more than that they are malformed. */
export const gossipFaults = {
  foreignLabel: 'foreign label',
  unknownKey: 'not encrypted with a known key',
  clearText: 'not encrypted',
  noKey: 'encrypted, and we have no key',
  checksum: 'checksum does not fit',
  tooLong: 'too long',
} as const
