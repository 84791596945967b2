/**
 * What the agent's DNS server is told, with Consul's defaults (reference/consul.md, section 2.2). Only types and values; how
 * text becomes this is told in dns.ts.
 */
export interface Recursor {
  readonly address: string
  readonly port: number
}

/** What may change while the agent runs. */
export interface DnsSettings {
  readonly recursors: readonly Recursor[]
  readonly recursorStrategy: 'sequential' | 'random'
  readonly recursorTimeoutMs: number
  readonly nodeTtlSeconds: number
  /** By name, by `prefix*`, and by `*` for the rest; the most exact one counts. */
  readonly serviceTtlSeconds: Readonly<Record<string, number>>
  readonly onlyPassing: boolean
  /** Say in a UDP answer that it is not whole. */
  readonly enableTruncate: boolean
  readonly disableCompression: boolean
  /** Records in a UDP answer to a client without EDNS. */
  readonly udpAnswerLimit: number
  /** Addresses in any answer; 0: no limit. */
  readonly addressLimit: number
  readonly nodeMetaTexts: boolean
  /** Answer from the last known state while no server is there. */
  readonly allowStale: boolean
  readonly maxStaleMs: number
  readonly soa: {
    readonly refreshSeconds: number
    readonly retrySeconds: number
    readonly expireSeconds: number
    readonly minimumSeconds: number
  }
}

/** Consul's defaults. */
export const dnsDefaults: DnsSettings = {
  recursors: [],
  recursorStrategy: 'sequential',
  recursorTimeoutMs: 2_000,
  nodeTtlSeconds: 0,
  serviceTtlSeconds: {},
  onlyPassing: false,
  enableTruncate: false,
  disableCompression: false,
  udpAnswerLimit: 3,
  addressLimit: 0,
  nodeMetaTexts: true,
  allowStale: true,
  maxStaleMs: 87_600 * 3_600_000,
  soa: { refreshSeconds: 3_600, retrySeconds: 600, expireSeconds: 86_400, minimumSeconds: 0 },
}
