// Two proxies between a client and a service on one machine: `out` takes the client's plain TCP, `in` hands it to the
// service, mutual TLS 1.3 between the two. Ours and the peers stand behind the same three words.
export interface ProxyPair {
  readonly name: 'ours' | 'haproxy' | 'nginx'
  /** Resolves when a connection through both is answered. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Every process that the bytes go through. */
  pids(): readonly number[]
  /** Where a client connects. */
  readonly entry: Endpoint
}

/** Where the far proxy listens, and where the near one finds it: the two differ when there is a relay between. */
export interface FarProxy {
  readonly listens: Endpoint
  readonly found: Endpoint
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export const textOf = ({ host, port }: Endpoint): string => `${host}:${port}`
