/**
 * Outbound probes of health checks behind the `Probes` port: a TCP or TLS connect and a datagram; HTTP, HTTP/2, gRPC and
 * containers have files of their own. Knows nothing of statuses; what an answer means is decided in agent/checks.
 */
import { createSocket } from 'node:dgram'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { formatDuration } from '../model/duration.ts'
import { executeInContainer } from './docker-engine.ts'
import { askGrpcHealth } from './grpc-probe.ts'
import { describeError, requestOnce } from './http-probe.ts'
import { pingHttp2 } from './http2-probe.ts'
import type { ProbeDone, Probes } from './ports.ts'
import { badAddress, parseAddress, tlsOptionsOf } from './probe-target.ts'

/** A closed port answers within a round trip; waiting longer for the answer that says so would only hold a place. */
const unreachableWaitMs = 2_000

export const systemProbes: Probes = {
  connect(target, timeoutMs, done) {
    const place = parseAddress(target.address)
    if (place === undefined) {
      badAddress(target.address, done)
      return
    }
    const socket = target.useTls ? connectTls({ ...place, ...tlsOptionsOf(target) }) : connectTcp(place)
    settle(socket, target.useTls ? 'secureConnect' : 'connect', timeoutMs, done)
  },
  datagram: sendDatagram,
  ping: pingHttp2,
  grpcHealth: askGrpcHealth,
  execute: executeInContainer,
  request: requestOnce,
}

/** On a connected socket the kernel reports "port unreachable" as an error. */
function sendDatagram(address: string, timeoutMs: number, done: ProbeDone): void {
  const place = parseAddress(address)
  if (place === undefined) {
    badAddress(address, done)
    return
  }
  const socket = createSocket(isIP(place.host) === 6 ? 'udp6' : 'udp4')
  let settled = false
  const finish = (error: string | undefined): void => {
    if (settled) return
    settled = true
    clearTimeout(timeout)
    socket.close()
    done(error)
  }
  const timeout = setTimeout(() => finish(undefined), Math.min(timeoutMs, unreachableWaitMs))
  socket.on('error', (error) => finish(describeError(error)))
  socket.on('message', () => finish(undefined))
  socket.connect(place.port, place.host, (error?: Error) => {
    if (error !== undefined) finish(describeError(error))
    else if (!settled) socket.send('', (failure) => failure !== null && finish(describeError(failure)))
  })
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
