/** Where a service wants to reach another one: a local port or socket that the proxy opens for it. */
export interface Upstream {
  readonly destinationName: string
  /** Empty: the local datacenter. */
  readonly datacenter: string
  readonly localBindAddress: string
  /** 0 when `localBindSocketPath` is set. */
  readonly localBindPort: number
  readonly localBindSocketPath: string
  /** Octal text such as "0600"; empty: the process's umask. */
  readonly localBindSocketMode: string
  readonly connectTimeoutMs: number
  /** Opaque settings, kept and shown as they were written. */
  readonly config: Readonly<Record<string, unknown>>
}

/** Names an upstream within its proxy; two upstreams of one proxy never share it. */
export function upstreamKey(upstream: Pick<Upstream, 'destinationName' | 'datacenter' | 'config'>): string {
  const { destinationName, datacenter } = upstream
  const name = datacenter === '' ? destinationName : `${destinationName}@${datacenter}`
  // A service such as DNS is reached in both ways.
  return carriesDatagrams(upstream) ? `${name}+udp` : name
}

/** Whether the local port takes datagrams and not connections. */
export function carriesDatagrams({ config }: Pick<Upstream, 'config'>): boolean {
  const protocol = config['protocol']
  return typeof protocol === 'string' && protocol.toLowerCase() === 'udp'
}
