/**
 * Outbound probes of health checks behind the `Probes` port: a TCP or TLS connect, and an HTTP request (http-probe.ts).
 * Knows nothing of statuses; what an answer means is decided in agent/checks.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { formatDuration } from '../model/duration.ts'
import { describeError, requestOnce } from './http-probe.ts'
import type { Probes } from './ports.ts'

export const systemProbes: Probes = {
  connect(target, timeoutMs, done) {
    const place = parseAddress(target.address)
    if (place === undefined) {
      setImmediate(() => done(`the address "${target.address}" is not host:port`))
      return
    }
    const socket = target.useTls
      ? connectTls({ ...place, ...(isIP(place.host) === 0 ? { servername: place.host } : {}) })
      : connectTcp(place)
    settle(socket, target.useTls ? 'secureConnect' : 'connect', timeoutMs, done)
  },
  request: requestOnce,
}

function settle(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  done: (error: string | undefined) => void,
): void {
  let settled = false
  const finish = (error: string | undefined): void => {
    if (settled) return
    settled = true
    clearTimeout(timeout)
    socket.destroy()
    done(error)
  }
  const timeout = setTimeout(() => finish(`timed out after ${formatDuration(timeoutMs)}`), timeoutMs)
  socket.on(event, () => finish(undefined))
  // Listens on after the end too: a late error of a destroyed socket must not end the process.
  socket.on('error', (error) => finish(describeError(error)))
  socket.on('close', () => finish('the connection was closed'))
}

/** `host:port` or `[v6]:port`. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}
