/**
 * What surrounds the messages of one pool: its label and its keys. Encryption is switched on in a running pool in three
 * steps (Consul's): install the key without using it, then send encrypted, then refuse what is not.
 */
import type { Keyring } from './keyring.ts'

export interface GossipSecurity {
  /** Empty: no label. */
  readonly label: string
  /** Empty: no encryption at all. */
  readonly keyring: Keyring
  /** With keys: what is not encrypted is refused. */
  readonly verifiesIncoming: boolean
  /** With keys: what is sent is encrypted. */
  readonly encryptsOutgoing: boolean
  /** Unpredictable bytes, for nonces. */
  readonly randomBytes: (length: number) => Uint8Array
}

/** The key to encrypt with, if anything is to be encrypted. */
export function outgoingKey(security: GossipSecurity): Uint8Array | undefined {
  return security.encryptsOutgoing ? security.keyring.primary : undefined
}

/** Whether clear text is refused. */
export function isClearTextRefused(security: GossipSecurity): boolean {
  return security.verifiesIncoming && security.keyring.keys.length > 0
}
