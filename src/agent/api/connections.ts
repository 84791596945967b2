/**
 * How many connections one client address may hold. A connection that carries a blocking read waits for free and is
 * counted apart: a host with many watches must not lock out its other tools (Consul counts them together).
 */
import type { Socket } from 'node:net'
import type { Connection } from '../access/caller.ts'
import type { Api } from './contract.ts'

interface Client {
  open: number
  held: number
}

export interface ConnectionLimits {
  readonly perClient: number
  readonly longPollsPerClient: number
}

export interface Connections {
  /** False where the address holds too many already: the connection must be refused. */
  accept(socket: Socket, kind: Connection['kind']): boolean
  /**
   * What was known when the connection was made. A closed socket forgets its address, so asking it later could take a
   * far client for a near one; an unknown socket is a far one.
   */
  connection(socket: Socket): Connection
  /** Gives back how to release it; undefined where the address holds too many blocking reads. */
  hold(socket: Socket): (() => void) | undefined
}

export function createConnections(
  limit: ConnectionLimits,
  report: Pick<Api, 'log' | 'metrics' | 'mayLogRefusal'>,
): Connections {
  const clients = new Map<string, Client>()
  const known = new WeakMap<Socket, Connection>()
  let held = 0
  const countHeld = (by: 1 | -1): void => {
    held += by
    report.metrics.gauge('mesh_api_long_polls_held', held)
  }

  const refuse = (what: 'connection' | 'long-poll', client: string): false => {
    report.metrics.count('mesh_api_refusals_total', { code: 'too-many-connections' })
    if (report.mayLogRefusal())
      report.log.warn('API client refused', { code: 'too-many-connections', what, client })
    return false
  }
  const keyOf = ({ kind, address }: Connection): string => (kind === 'unix' ? 'unix' : address)
  const connection = (socket: Socket): Connection => known.get(socket) ?? { kind: 'tcp', address: '' }
  const clientOf = (socket: Socket): Client | undefined => clients.get(keyOf(connection(socket)))

  return {
    connection,
    accept(socket, kind) {
      const made = { kind, address: kind === 'unix' ? '' : (socket.remoteAddress ?? '') }
      const key = keyOf(made)
      const client = clients.get(key) ?? { open: 0, held: 0 }
      // All users of the unix socket share one key; file permissions bound who they are.
      const allowed = kind === 'unix' ? limit.longPollsPerClient : limit.perClient
      if (client.open - client.held >= allowed) return refuse('connection', key)
      client.open += 1
      clients.set(key, client)
      known.set(socket, made)
      socket.once('close', () => {
        client.open -= 1
        if (client.open === 0) clients.delete(key)
      })
      return true
    },
    hold(socket) {
      const client = clientOf(socket)
      if (client === undefined) return () => undefined
      if (client.held >= limit.longPollsPerClient) {
        refuse('long-poll', keyOf(connection(socket)))
        return undefined
      }
      client.held += 1
      countHeld(1)
      // Of this client, whoever has come from its address since.
      return () => {
        client.held -= 1
        countHeld(-1)
      }
    },
  }
}
