/**
 * Raw listening sockets: bound here, served by another process. A `net.Server` that only keeps a socket open would
 * accept and so steal connections, hence Node's unofficial `net._createServerHandle`, used in this file alone and tried
 * out before it is relied on. Knows nothing of who serves.
 */
import dgram from 'node:dgram'
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import { assert } from '../model/errors.ts'
import type { ListenAddress, ListeningHandle, ListeningHandles } from './ports.ts'

/** The part of Node's TCP, Pipe and UDP wraps that is used. */
interface RawHandle {
  close(): void
  getsockname?(into: { port?: number }): number
}

type CreateServerHandle = (address: string, port: number, addressType: number) => RawHandle | number

/** Not in Node's documentation; cluster has been built on it since Node 0.8. */
const createServerHandle = (net as unknown as { readonly _createServerHandle?: CreateServerHandle })
  ._createServerHandle

/** The same for datagrams: bound, and not read. Marked as deprecated, and still what cluster is built on. */
type CreateDatagramHandle = (
  address: string,
  port: number,
  addressType: 'udp4' | 'udp6',
) => RawHandle | number

const createDatagramHandle = (dgram as unknown as { readonly _createSocketHandle?: CreateDatagramHandle })
  ._createSocketHandle

const ofUnixSocket = -1

/** Throws where this Node lacks what is needed, so that a proxy says so at its start and not at its first listener. */
export function createListeningHandles(): ListeningHandles {
  selfTest()
  return {
    open(at, done) {
      if (at.kind === 'unix') bindUnix(at, done)
      else if (at.kind === 'udp') answer(done, () => bindUdp(at.address, at.port))
      else answer(done, () => bindTcp(at.address, at.port))
    },
  }
}

function selfTest(): void {
  assert(createServerHandle !== undefined, 'this Node has net._createServerHandle')
  const first = bindTcp('127.0.0.1', 0)
  assert(first.port > 0, 'a bound handle knows its port')
  const server = net.createServer()
  // Listening is what makes the address taken: two sockets that are merely bound may share it.
  server.listen(first.native)
  let second: ListeningHandle | undefined
  try {
    second = bindTcp('127.0.0.1', first.port)
  } catch {
    // Refused, as it should be.
  }
  second?.close()
  server.close()
  first.close()
  assert(second === undefined, 'binding an address that is served is refused')
}

function answer(
  done: (handle: ListeningHandle | undefined, error: string) => void,
  bind: () => ListeningHandle,
): void {
  let handle: ListeningHandle
  try {
    handle = bind()
  } catch (error) {
    done(undefined, error instanceof Error ? error.message : String(error))
    return
  }
  done(handle, '')
}

function bindTcp(address: string, port: number): ListeningHandle {
  const where = placeOf(address, port)
  if (net.isIP(address) === 0) throw new Error(`cannot listen on ${where}: not an IP address`)
  return wrapBound(bindRaw(where, address, port, net.isIPv6(address) ? 6 : 4), where)
}

/** Nothing else of the program may warn of the deprecation less because of it. */
function bindUdp(address: string, port: number): ListeningHandle {
  const where = `udp ${placeOf(address, port)}`
  assert(createDatagramHandle !== undefined, 'this Node has dgram._createSocketHandle')
  if (net.isIP(address) === 0) throw new Error(`cannot listen on ${where}: not an IP address`)
  const before = process.noDeprecation
  process.noDeprecation = true
  try {
    const raw = createDatagramHandle(address, port, net.isIPv6(address) ? 'udp6' : 'udp4')
    if (typeof raw === 'number') throw listenError(where, raw)
    return wrapBound(raw, where)
  } finally {
    if (before === undefined) delete process.noDeprecation
    else process.noDeprecation = before
  }
}

const placeOf = (address: string, port: number): string =>
  `${net.isIPv6(address) ? `[${address}]` : address}:${port}`

function wrapBound(raw: RawHandle, where: string): ListeningHandle {
  const bound: { port?: number } = {}
  // Some versions of libuv report a taken address only here; a socket without one would listen on a random port.
  const error = raw.getsockname?.(bound) ?? 0
  if (error !== 0) {
    raw.close()
    throw listenError(where, error)
  }
  return wrap(raw, bound.port ?? 0)
}

function bindUnix(
  at: Extract<ListenAddress, { kind: 'unix' }>,
  done: (handle: ListeningHandle | undefined, error: string) => void,
): void {
  const bind = (): ListeningHandle => {
    const raw = bindRaw(at.path, at.path, ofUnixSocket, ofUnixSocket)
    // No client can connect before a server listens, so there is no moment with the wrong mode.
    if (at.mode !== '') chmodSync(at.path, Number.parseInt(at.mode, 8))
    return wrap(raw, 0)
  }
  if (!isSocketFile(at.path)) {
    answer(done, bind)
    return
  }
  const probe = net.connect(at.path)
  probe.once('connect', () => {
    probe.destroy()
    done(undefined, `cannot listen on ${at.path}: another process serves it`)
  })
  probe.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNREFUSED') return done(undefined, `cannot listen on ${at.path}: ${error.code}`)
    answer(done, () => {
      unlinkSync(at.path)
      return bind()
    })
  })
}

function isSocketFile(path: string): boolean {
  try {
    return lstatSync(path).isSocket()
  } catch {
    return false
  }
}

function bindRaw(where: string, address: string, port: number, addressType: number): RawHandle {
  assert(createServerHandle !== undefined, 'this Node has net._createServerHandle')
  const raw = createServerHandle(address, port, addressType)
  if (typeof raw === 'number') throw listenError(where, raw)
  return raw
}

function listenError(where: string, errno: number): Error {
  const name = getSystemErrorName(errno)
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process uses it',
    EADDRNOTAVAIL: 'this host does not have the address',
    // libuv reports a missing folder of a unix socket as EACCES too.
    EACCES: 'not permitted, or the folder does not exist',
    EINVAL: 'the address is not valid, or a socket path is longer than 107 bytes',
  }
  return new Error(`cannot listen on ${where}: ${why[name] ?? 'the system refuses it'} (${name})`)
}

function wrap(raw: RawHandle, port: number): ListeningHandle {
  let open = true
  return {
    native: raw,
    port,
    close() {
      if (!open) return
      open = false
      raw.close()
    },
  }
}
