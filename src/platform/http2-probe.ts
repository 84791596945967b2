/**
 * One HTTP/2 connection with one PING on it (RFC 9113, section 6.7), behind the `Probes` port. Without TLS it begins with
 * prior knowledge, as gRPC servers expect.
 */
import { type ClientHttp2Session, connect } from 'node:http2'
import { formatDuration } from '../model/duration.ts'
import { describeError } from './http-probe.ts'
import type { ProbeDone, ProbeTarget } from './ports.ts'
import { badAddress, parseAddress, tlsOptionsOf } from './probe-target.ts'

export function pingHttp2(target: ProbeTarget, timeoutMs: number, done: ProbeDone): void {
  if (parseAddress(target.address) === undefined) {
    badAddress(target.address, done)
    return
  }
  let session: ClientHttp2Session | undefined
  let settled = false
  const finish = (error: string | undefined): void => {
    if (settled) return
    settled = true
    clearTimeout(timeout)
    session?.destroy()
    done(error)
  }
  const timeout = setTimeout(() => finish(`timed out after ${formatDuration(timeoutMs)}`), timeoutMs)
  // Without a name Node would send the address as one, which is not allowed.
  const options = { servername: '', ...tlsOptionsOf(target) }
  session = connect(`${target.useTls ? 'https' : 'http'}://${target.address}`, options)
  session.on('error', (error) => finish(describeError(error)))
  session.on('close', () => finish('the connection was closed'))
  // A server that does not speak HTTP/2 never answers the PING: the session ends with an error, or the time is over.
  session.once('connect', () =>
    session?.ping((error) => finish(error === null ? undefined : describeError(error))),
  )
}
