/**
 * The agent's end of the link: a unix socket that this host's proxies dial. Publishes the wanted state to each of them
 * and gathers which policy each has in force. Does not know how the state is made (plan/) nor who asks (control/).
 */
import net from 'node:net'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics } from '../../platform/ports.ts'
import { listenOnUnixSocket } from '../../rpc/unix-socket.ts'
import type { ProxyLink } from '../contract.ts'
import { ProxyMetrics } from './proxy-metrics.ts'
import { ProxySession, type ProxyStats } from './proxy-session.ts'
import { nextSnapshot, type Snapshot } from './snapshot.ts'

export interface ProxyLinkOptions {
  readonly socketPath: string
  /** Permissions of the socket file; 0o660 lets the folder's group in. */
  readonly mode: number
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface RunningProxyLink extends ProxyLink {
  /** Ends all links; proxies go on with what they have. */
  close(): Promise<void>
}

/** A failure where the socket cannot be listened on. */
export function startProxyLink(options: ProxyLinkOptions): Promise<Result<RunningProxyLink>> {
  const link = new LinkServer(options)
  const { socketPath: path, mode } = options
  return new Promise((resolve) => {
    listenOnUnixSocket(link.server, { path, mode }, (error) =>
      resolve(error === '' ? ok(link) : failed('conflict', `cannot listen on ${error}`)),
    )
  })
}

type EnforcedListener = Parameters<ProxyLink['onEnforced']>[0]

class LinkServer implements RunningProxyLink {
  readonly server: net.Server
  private readonly options: ProxyLinkOptions
  private readonly sessions = new Map<ProxySession, ProxyStats | undefined>()
  private readonly listeners: EnforcedListener[] = []
  private readonly proxyMetrics: ProxyMetrics
  private snapshot: Snapshot | undefined
  /** Destinations of the last report. */
  private reported: ReadonlySet<string> = new Set()

  constructor(options: ProxyLinkOptions) {
    this.options = options
    this.proxyMetrics = new ProxyMetrics(options.metrics)
    this.server = net.createServer((socket) => this.onConnection(socket))
  }

  publish(resources: Parameters<ProxyLink['publish']>[0]): void {
    const next = nextSnapshot(this.snapshot, resources)
    if (next === this.snapshot) return
    this.snapshot = next
    for (const session of this.sessions.keys()) if (session.isConnected) session.offer(next)
    const { policies } = next
    const sameDestinations =
      policies.size === this.reported.size && [...policies.keys()].every((name) => this.reported.has(name))
    if (!sameDestinations) this.reportEnforced()
  }

  onEnforced(listener: EnforcedListener): void {
    this.listeners.push(listener)
  }

  draining(inbound: string): ReturnType<ProxyLink['draining']> {
    let proxies = 0
    let refusing = 0
    let open = 0
    for (const session of this.connected()) {
      if (!session.serves(inbound)) continue
      proxies += 1
      const streams = session.openWhileDraining(inbound)
      if (streams === undefined) continue
      refusing += 1
      open += streams
    }
    return { proxies, refusing, open }
  }

  proxies(): ReturnType<ProxyLink['proxies']> {
    return this.connected().map((session) => session.status())
  }

  close(): Promise<void> {
    for (const session of this.sessions.keys()) session.close()
    return new Promise((resolve) => {
      this.server.close(() => resolve())
    })
  }

  private onConnection(socket: net.Socket): void {
    const { clock, log, metrics } = this.options
    if (this.sessions.size >= limits.proxiesPerAgent) {
      metrics.count('mesh_proxy_links_refused_total')
      log.warn('too many proxies on the link', { limit: limits.proxiesPerAgent })
      socket.destroy()
      return
    }
    const session = new ProxySession(socket, clock, log, {
      onConnected: () => {
        if (this.snapshot !== undefined) session.offer(this.snapshot)
        this.reportEnforced()
      },
      onChanged: () => this.reportEnforced(),
      onStats: (stats) => {
        this.sessions.set(session, stats)
        this.proxyMetrics.add(stats)
        this.reportGauges()
      },
      onClosed: () => {
        this.sessions.delete(session)
        this.reportEnforced()
        this.reportGauges()
      },
    })
    this.sessions.set(session, undefined)
  }

  private connected(): readonly ProxySession[] {
    return [...this.sessions.keys()].filter((session) => session.isConnected)
  }

  /** One number per connected proxy and destination; a destination that is gone is reported once more, as empty. */
  private reportEnforced(): void {
    const proxies = this.connected()
    const enforced = new Map<string, readonly number[]>()
    for (const name of this.reported) enforced.set(name, [])
    const destinations = this.snapshot?.policies ?? new Map<string, number>()
    for (const name of destinations.keys())
      enforced.set(
        name,
        proxies
          .filter((proxy) => proxy.concerns(name))
          .map((proxy) => proxy.inForce?.policies.get(name) ?? 0),
      )
    this.reported = new Set(destinations.keys())
    for (const listener of this.listeners) listener(enforced)
  }

  private reportGauges(): void {
    let open = 0
    let expired = 0
    for (const stats of this.sessions.values()) {
      open += stats?.open ?? 0
      expired += stats?.expired ?? 0
    }
    this.options.metrics.gauge('mesh_proxies_connected', this.connected().length)
    this.options.metrics.gauge('mesh_proxy_open_connections', open)
    this.options.metrics.gauge('mesh_proxy_expired_certificates', expired)
  }
}
