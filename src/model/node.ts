/** A host of the mesh as the catalog knows it. */
export interface Node {
  /** UUID of the host, empty for an external node registered by hand. */
  readonly id: string
  /** Unique in its datacenter, a DNS label by convention. */
  readonly name: string
  readonly address: string
  readonly datacenter: string
  /** Addresses by role: `lan`, `lan_ipv4`, `wan`, `wan_ipv4`. */
  readonly taggedAddresses: Readonly<Record<string, string>>
  readonly meta: Readonly<Record<string, string>>
}

/** Key of a node's meta that names its zone: what fails together, or is near. */
export const zoneKey = 'zone'
