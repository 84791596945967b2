// The one way in which every program listens on its unix socket.
import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { listenOnUnixSocket, type UnixSocket } from '../../../src/rpc/unix-socket.ts'

const folder = mkdtempSync(join(tmpdir(), 'mesh-unix-'))
const servers: Server[] = []
afterAll(async () => {
  for (const server of servers) await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true })
})

async function listen(socket: UnixSocket): Promise<{ readonly server: Server; readonly error: string }> {
  const server = createServer((connection) => connection.end())
  const error = await new Promise<string>((done) => listenOnUnixSocket(server, socket, done))
  if (error === '') servers.push(server)
  return { server, error }
}

/** The file that a killed process leaves behind: closing a server in order would remove it. */
async function abandon(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(path, done))
  linkSync(path, `${path}.kept`)
  await new Promise((done) => server.close(done))
  renameSync(`${path}.kept`, path)
}

test('the file has the wanted mode and group whatever the umask, and accepts', async () => {
  const path = join(folder, 'a.sock')
  const before = process.umask(0o027)
  const groupId = process.getegid?.() ?? 0
  const { error } = await listen({ path, mode: 0o666, groupId })
  expect(process.umask(before)).toBe(0o027)
  expect(error).toBe('')
  expect(statSync(path).mode & 0o777).toBe(0o666)
  expect(statSync(path).gid).toBe(groupId)
  await new Promise<void>((done, failed) => connect(path, done).once('error', failed))
})

test('a file that a killed process left behind is replaced', async () => {
  const path = join(folder, 'left.sock')
  await abandon(path)
  expect((await listen({ path, mode: 0o600 })).error).toBe('')
})

test('a socket that is served stays, and so does a file that is no socket', async () => {
  const served = join(folder, 'served.sock')
  await listen({ path: served, mode: 0o600 })
  expect((await listen({ path: served, mode: 0o600 })).error).toContain(`${served}: in use`)
  await new Promise<void>((done, failed) => connect(served, done).once('error', failed))
  const notes = join(folder, 'notes')
  writeFileSync(notes, 'precious')
  expect((await listen({ path: notes, mode: 0o600 })).error).toContain('no socket')
  expect(existsSync(notes)).toBe(true)
})

test('a folder that is missing is named', async () => {
  const path = join(folder, 'missing/x.sock')
  expect((await listen({ path, mode: 0o600 })).error).toContain(path)
})

test('a group that cannot be given leaves nothing listening', async () => {
  const path = join(folder, 'group.sock')
  // No file system knows this group number: it stands for "none".
  const { server, error } = await listen({ path, mode: 0o600, groupId: -2 })
  expect(error).not.toBe('')
  expect(server.listening).toBe(false)
})
