/** Keys of a gossip pool as `/operator/keyring` shows them. */

export interface KeyringFacts {
  readonly datacenter: string
  readonly members: number
  /** By node: why it could not answer as it should. */
  readonly failures: ReadonlyMap<string, string>
  /** On how many members each key is installed, and in use. */
  readonly installed: ReadonlyMap<string, number>
  readonly inUse: ReadonlyMap<string, number>
}

export interface KeyringJson {
  readonly WAN: boolean
  readonly Datacenter: string
  readonly Segment: string
  readonly Messages: Readonly<Record<string, string>>
  readonly Keys: Readonly<Record<string, number>>
  readonly PrimaryKeys: Readonly<Record<string, number>>
  readonly NumNodes: number
}

export function keyringJson({ datacenter, members, failures, installed, inUse }: KeyringFacts): KeyringJson {
  return {
    WAN: false,
    Datacenter: datacenter,
    Segment: '',
    Messages: Object.fromEntries(failures),
    Keys: Object.fromEntries(installed),
    PrimaryKeys: Object.fromEntries(inUse),
    NumNodes: members,
  }
}
