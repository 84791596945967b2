/** A member of the pool of all datacenters' servers, as a server tells of it. */
export interface WanMember {
  /** `<node>.<datacenter>`. */
  readonly node: string
  readonly address: string
  readonly port: number
  readonly tags: Readonly<Record<string, string>>
  readonly presence: 'alive' | 'leaving' | 'left' | 'failed'
  /** Lowest, highest and spoken: of memberlist's protocol, then of Serf's. */
  readonly versions: readonly [number, number, number, number, number, number]
}
