// Raw listening sockets of the machine.
import dgram from 'node:dgram'
import { existsSync, statSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createListeningHandles } from '../../../src/platform/handles.ts'
import type { ListenAddress, ListeningHandle } from '../../../src/platform/ports.ts'
import { freePort, temporaryFolder } from './lab.ts'

const open = (at: ListenAddress): Promise<{ handle: ListeningHandle | undefined; error: string }> =>
  new Promise((resolve) => {
    createListeningHandles().open(at, (handle, error) => resolve({ handle, error }))
  })

const dial = (at: net.NetConnectOpts): Promise<string> =>
  new Promise((resolve) => {
    const socket = net.connect(at)
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.once('data', (bytes) => {
      socket.destroy()
      resolve(bytes.toString())
    })
  })

test('a bound address refuses clients until a server listens on it', async () => {
  const { handle } = await open({ kind: 'tcp', address: '127.0.0.1', port: 0 })
  const at = { port: handle?.port ?? 0, host: '127.0.0.1' }
  expect(await dial(at)).toBe('ECONNREFUSED')
  const server = net.createServer((socket) => socket.end('served')).listen(handle?.native)
  expect(await dial(at)).toBe('served')
  server.close()
})

test('datagrams wait in a bound socket until somebody reads them', async () => {
  const { handle } = await open({ kind: 'udp', address: '127.0.0.1', port: 0 })
  const port = handle?.port ?? 0
  const taken = await open({ kind: 'udp', address: '127.0.0.1', port })
  expect(taken.error).toBe(`cannot listen on udp 127.0.0.1:${port}: another process uses it (EADDRINUSE)`)
  const client = dgram.createSocket('udp4')
  await new Promise<void>((resolve) => {
    client.send('early', port, '127.0.0.1', () => resolve())
  })
  const server = dgram.createSocket('udp4')
  const first = new Promise((resolve) => {
    server.once('message', (bytes) => resolve(bytes.toString()))
  })
  server.bind(handle?.native as dgram.BindOptions)
  expect(await first).toBe('early')
  server.close()
  client.close()
})

test('IPv6 addresses are bound too', async () => {
  const { handle, error } = await open({ kind: 'tcp', address: '::1', port: 0 })
  expect([error, (handle?.port ?? 0) > 0]).toEqual(['', true])
  handle?.close()
})

test('an address that another process serves is named with the reason', async () => {
  const port = await freePort()
  const other = net.createServer()
  await new Promise<void>((resolve) => {
    other.listen(port, '127.0.0.1', resolve)
  })
  expect(await open({ kind: 'tcp', address: '127.0.0.1', port })).toEqual({
    handle: undefined,
    error: `cannot listen on 127.0.0.1:${port}: another process uses it (EADDRINUSE)`,
  })
  other.close()
})

test('addresses that this host has not, or that are none, are refused', async () => {
  expect((await open({ kind: 'tcp', address: '203.0.113.7', port: 1 })).error).toContain('EADDRNOTAVAIL')
  expect((await open({ kind: 'tcp', address: 'localhost', port: 1 })).error).toContain('not an IP address')
})

test('a unix socket gets its mode, replaces a dead file, spares a living one, and is removed at the end', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.sock')
  const at = { kind: 'unix', path, mode: '0620' } as const
  const first = await open(at)
  expect([first.error, statSync(path).mode & 0o777]).toEqual(['', 0o620])

  // Bound and served by nobody: like the file of a process that was killed.
  const second = await open(at)
  expect(second.error).toBe('')
  const living = net.createServer().listen(join(folder.path, 'living.sock'))
  await new Promise((resolve) => living.once('listening', resolve))
  const third = await open({ ...at, path: join(folder.path, 'living.sock') })
  expect(third.error).toContain('another process serves it')
  living.close()

  second.handle?.close()
  expect(existsSync(path)).toBe(false)
  expect((await open({ ...at, path: join(folder.path, 'nowhere', 'x.sock') })).error).toContain(
    'the folder does not exist',
  )
  folder.remove()
})
