/**
 * The listeners of a worker, kept in step with the configuration: what is not wanted any more is closed, what is missing
 * is asked of the holder. A server listens on its handle in the moment it arrives, because from then on clients are ours.
 */
import type dgram from 'node:dgram'
import type net from 'node:net'
import { assert } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { ListenAddress, Log } from '../../platform/ports.ts'
import type { DrainingInbound } from '../../wire/link/message.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import type { ListenerContext, ProxyTables } from './context.ts'
import { ExposedHttpListener } from './exposed-http.ts'
import { ExposedHttp2Listener } from './exposed-http2.ts'
import { InboundListener } from './inbound.ts'
import type { OpenListener } from './open-listener.ts'
import { OutboundListener } from './outbound.ts'
import { OutboundDatagrams } from './outbound-datagrams.ts'
import { type ListenerKind, resourceKindOf, type WantedListener, wantedListeners } from './wanted.ts'

/** The holder, as the worker sees it. */
export interface HandleSource {
  /**
   * `wanted` is everything that shall stay open; a handle comes for each key of `missing` that can be had.
   * `release`: what is not wanted is closed; otherwise it stays for a configuration that is still to come.
   */
  request(
    request: {
      readonly wanted: readonly ListenAddress[]
      readonly missing: readonly string[]
      readonly release: boolean
    },
    answer: {
      onHandle(key: string, handle: object): void
      /** After the last handle. */
      onDone(failures: readonly { readonly key: string; readonly reason: string }[]): void
    },
  ): void
}

interface Entry {
  wanted: WantedListener
  readonly inbound: InboundListener | undefined
  readonly listener: AnyListener
}

type AnyListener = OpenListener | OutboundDatagrams

export class Listeners {
  private readonly context: ListenerContext
  private readonly handles: HandleSource
  private readonly entries = new Map<string, Entry>()
  /** Closed listeners whose connections go on. */
  private readonly retired = new Set<Entry>()
  private busy: boolean = false
  private leaving: boolean = false

  constructor(context: ListenerContext, handles: HandleSource) {
    this.context = context
    this.handles = handles
  }

  /**
   * Follows `tables`, which are in force already. `done` gets what could not be opened, for people; a later call tries
   * again. Not to be called before the last one is done.
   */
  update(tables: ProxyTables, release: boolean, done: (problems: readonly string[]) => void): void {
    assert(!this.busy, 'listeners are updated one at a time')
    if (this.leaving) {
      done([])
      return
    }
    this.busy = true
    const { listeners: wanted, problems } = wantedListeners(tables)
    for (const [key, entry] of this.entries) this.keepOrClose(key, entry, wanted.get(key))
    const opening = new Opening(wanted, problems, this.context.log, (all) => {
      this.busy = false
      done(all)
    })
    this.handles.request(
      {
        wanted: Array.from(wanted.values(), (listener) => listener.address),
        missing: [...wanted.keys()].filter((key) => !this.entries.has(key)),
        release,
      },
      {
        onHandle: (key, handle) => {
          const listener = wanted.get(key)
          if (listener !== undefined) this.open(listener, handle, opening)
        },
        onDone: (failures) => opening.requested(failures),
      },
    )
  }

  /** Cuts open streams that the policy of now denies. `services`: those whose policy changed. */
  recheck(services: ReadonlySet<string>): void {
    for (const { wanted, inbound } of this.all())
      if (inbound !== undefined && services.has(wanted.service)) inbound.recheck()
  }

  /** Ends sessions of both directions whose peer the roots of now do not prove. */
  recheckTrust(): void {
    for (const { inbound } of this.all()) inbound?.recheckTrust()
    this.context.sessions.recheckTrust()
  }

  /** Cuts what is open on instances whose time to drain is over. To be called when a configuration is in force. */
  cutDrained(tables: ProxyTables): void {
    for (const { wanted, inbound } of this.all())
      if (inbound !== undefined && tables.inbounds.get(wanted.name)?.drain === 'cut')
        inbound.cutStreams('draining')
  }

  /** Instances that are taken out of use, by resource name, each with its open streams. */
  draining(tables: ProxyTables): readonly DrainingInbound[] {
    const open = new Map<string, number>()
    for (const { wanted, inbound } of this.all())
      if (inbound !== undefined && tables.inbounds.get(wanted.name)?.drain !== undefined)
        open.set(wanted.name, (open.get(wanted.name) ?? 0) + inbound.openStreams())
    return Array.from(open, ([name, streams]) => ({ name, open: streams }))
  }

  /** Takes no new clients and no new streams; what is open goes on. */
  leave(): void {
    this.leaving = true
    for (const key of [...this.entries.keys()]) this.close(key)
  }

  cut(code: EndCode): void {
    for (const { listener } of this.all()) listener.cut(code)
  }

  /** Clients and sessions that are open. */
  count(): number {
    return this.all().reduce((sum, { listener }) => sum + listener.count(), 0)
  }

  private all(): readonly Entry[] {
    return [...this.entries.values(), ...this.retired]
  }

  private keepOrClose(key: string, entry: Entry, next: WantedListener | undefined): void {
    const { wanted, inbound, listener } = entry
    const isSame = next?.kind === wanted.kind && (inbound === undefined || next.service === wanted.service)
    if (next !== undefined && isSame) {
      entry.wanted = next
      if (next.identity !== undefined) inbound?.setIdentity(next.identity)
      return
    }
    this.close(key)
    // Nothing would watch over what another service was allowed to do here.
    if (resourceKindOf(wanted) !== 'outbound') listener.cut('draining')
  }

  private close(key: string): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    this.entries.delete(key)
    entry.listener.leave()
    for (const old of this.retired) if (old.listener.count() === 0) this.retired.delete(old)
    if (entry.listener.count() > 0) this.retired.add(entry)
  }

  private open(wanted: WantedListener, handle: object, opening: Opening): void {
    const { key } = wanted
    const name = (): string => this.entries.get(key)?.wanted.name ?? wanted.name
    const { identity, kind } = wanted
    const inbound = identity === undefined ? undefined : new InboundListener(this.context, name, identity)
    const listener = inbound ?? openedFor(kind, this.context, name)
    this.entries.set(key, { wanted, inbound, listener })
    opening.opened(key, listener.server, () => this.entries.delete(key))
    if (listener instanceof OutboundDatagrams) listener.receiveFrom(handle)
    else listener.server.listen(handle, limits.listenBacklog)
  }
}

function openedFor(kind: ListenerKind, context: ListenerContext, name: () => string): AnyListener {
  switch (kind) {
    case 'outbound-datagrams':
      return new OutboundDatagrams(context, name)
    case 'exposed-http':
      return new ExposedHttpListener(context, name)
    case 'exposed-http2':
      return new ExposedHttp2Listener(context, name)
    case 'inbound':
    case 'outbound':
      return new OutboundListener(context, name)
  }
}

/** One update under way: done when the holder has answered and every new server listens or has failed. */
class Opening {
  private readonly wanted: ReadonlyMap<string, WantedListener>
  private readonly problems: string[]
  private readonly log: Log
  private readonly done: (problems: readonly string[]) => void
  private waiting = 1

  constructor(
    wanted: ReadonlyMap<string, WantedListener>,
    problems: readonly string[],
    log: Log,
    done: (problems: readonly string[]) => void,
  ) {
    this.wanted = wanted
    this.problems = [...problems]
    this.log = log
    this.done = done
  }

  opened(key: string, server: net.Server | dgram.Socket, onFailed: () => void): void {
    this.waiting += 1
    let settled = false
    server.once('listening', () => {
      settled = true
      this.settle()
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      // Out of descriptors, for example: the client waits in the kernel's queue.
      if (settled) return this.log.error('accepting failed', { listener: key, error: error.code })
      settled = true
      onFailed()
      this.failed(key, `cannot listen on ${key}: ${error.code ?? error.message}`)
      this.settle()
    })
  }

  requested(failures: readonly { readonly key: string; readonly reason: string }[]): void {
    for (const { key, reason } of failures) this.failed(key, reason)
    this.settle()
  }

  private failed(key: string, reason: string): void {
    const listener = this.wanted.get(key)
    if (listener === undefined) return
    this.problems.push(`${resourceKindOf(listener)}/${listener.name}: ${reason}`)
  }

  private settle(): void {
    this.waiting -= 1
    if (this.waiting === 0) this.done(this.problems)
  }
}
