/**
 * Where a server is reached, from its first moment on: the unix socket for operators at once, the mTLS port as soon as there is
 * a certificate to show. Other servers are let in by their keys before anything else works; everybody else, once the rooms
 * behind the door are open.
 */
import { type Failure, ok, type Result } from '../model/errors.ts'
import type { Clock, Log, Metrics } from '../platform/ports.ts'
import type { Peer, ServerApi } from '../rpc/contract.ts'
import type { Audience, RaftAcceptor } from '../rpc/grpc-server.ts'
import { type Listener, listenLocal, listenTls, type TlsListener } from '../rpc/listener.ts'
import type { OperatorApi } from '../rpc/operator.ts'
import type { ServerPeerApi } from '../rpc/server-contract.ts'
import type { TlsIdentity } from '../rpc/tls.ts'
import { DeferredCalls } from './deferred-calls.ts'
import { DeferredOperator } from './operator/deferred-operator.ts'

export interface DoorOptions {
  readonly host: string
  readonly port: number
  readonly socketPath: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** What stands behind the door for other servers. */
export interface RaftGate {
  readonly isServer: (peer: Peer) => boolean
  readonly accept: RaftAcceptor
}

export interface Guests {
  readonly calls: ServerApi
  /** What the other servers may ask. */
  readonly peers: ServerPeerApi
  readonly operator: OperatorApi
  /** Whether a connection's certificates prove a host or server of this cluster. */
  readonly isMember: (peer: Peer) => boolean
}

/** Operators of this machine; the folder's group decides who that is. */
const socketMode = 0o660

export class Door {
  readonly deferred = new DeferredCalls({ code: 'no-leader', message: 'this server is starting' })
  readonly operator = new DeferredOperator(() => this.deferred.reason)
  readonly #options: DoorOptions
  #gate: RaftGate | undefined
  #peers: ServerPeerApi | undefined
  #isMember: Guests['isMember'] = () => false
  #local: Listener | undefined
  #tls: TlsListener | undefined
  #identity: TlsIdentity | undefined

  constructor(options: DoorOptions) {
    this.#options = options
  }

  /** What this server shows to others now. */
  readonly identity = (): TlsIdentity | undefined => this.#identity

  async openLocal(): Promise<Result<true>> {
    const { socketPath: path } = this.#options
    const options = {
      ...this.#options,
      api: this.deferred.api,
      operator: this.operator,
      path,
      mode: socketMode,
    }
    const local = await new Promise<Result<Listener>>((resolve) => listenLocal(options, resolve))
    if (!local.ok) return local
    this.#local = local.value
    return ok(true)
  }

  letServersIn(gate: RaftGate): void {
    this.#gate = gate
  }

  /** Shows a certificate from now on; listens if it is the first. Open connections go on. */
  async show(identity: TlsIdentity): Promise<Result<true>> {
    this.#identity = identity
    if (this.#tls !== undefined) {
      this.#tls.setIdentity(identity)
      return ok(true)
    }
    const raft: RaftAcceptor = (...stream) => this.#gate?.accept(...stream)
    const audienceOf = (peer: Peer): Audience | undefined => this.#audienceOf(peer)
    const peers = this.#peersOnceOpen()
    const options = {
      ...this.#options,
      api: this.deferred.api,
      operator: this.operator,
      identity,
      audienceOf,
      raft,
      peers,
    }
    const tls = await new Promise<Result<TlsListener>>((resolve) => listenTls(options, resolve))
    if (!tls.ok) return tls
    this.#tls = tls.value
    return ok(true)
  }

  /** Everybody is served. */
  open({ calls, peers, operator, isMember }: Guests): void {
    this.operator.open(operator)
    this.#isMember = isMember
    this.#peers = peers
    this.deferred.open(calls)
  }

  async close(): Promise<void> {
    const listeners = [this.#tls, this.#local].filter((listener) => listener !== undefined)
    await Promise.all(listeners.map((listener) => new Promise<void>((done) => listener.close(done))))
  }

  #peersOnceOpen(): ServerPeerApi {
    const closed: Failure = { code: 'no-server', message: 'this server is starting' }
    return {
      forward: (peer, stream) => {
        if (this.#peers === undefined) stream.destroy(closed)
        else this.#peers.forward(peer, stream)
      },
      presence: (peer, stream) => {
        if (this.#peers === undefined) stream.destroy(closed)
        else this.#peers.presence(peer, stream)
      },
    }
  }

  /** Agents are turned away until they can be known: another server may serve them meanwhile. */
  #audienceOf(peer: Peer): Audience | undefined {
    if (this.#gate?.isServer(peer) === true) return 'servers'
    if (!this.deferred.isOpen) return undefined
    return this.#isMember(peer) ? 'members' : 'strangers'
  }
}
