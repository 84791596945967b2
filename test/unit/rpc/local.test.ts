// The server's unix socket: who may open it is told by its mode, who comes through it is the operator of the machine.
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Result } from '../../../src/model/errors.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { type Listener, listenLocal } from '../../../src/rpc/listener.ts'
import { answerOf, closeListener, codeOf, deregister, Stage, type TestServer } from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

async function local(server: TestServer, path: string): Promise<Result<Listener>> {
  const { log, metrics } = server.cluster
  const result = await new Promise<Result<Listener>>((done) =>
    listenLocal({ api: server.api, clock: systemClock, log, metrics, path, mode: 0o660 }, done),
  )
  if (result.ok) stage.later(() => closeListener(result.value))
  return result
}

const write = { command: deregister('h1'), token: '' }

test('an operator works through the socket without certificate and token', async () => {
  const server = await stage.server()
  const path = join(stage.folder(), 'server.sock')
  expect(codeOf(await local(server, path))).toBe('ok')
  expect(statSync(path).mode & 0o777).toBe(0o660)
  const client = stage.client([`unix:${path}`], () => ({ kind: 'pinned', pin: '' }))
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('ok')
  const wrong = { ...write, token: 'not-a-token' }
  expect(codeOf(await answerOf((reply) => client.write(wrong, reply)))).toBe('bad-token')
})

test('a socket that a killed server left behind is taken over, one in use is not', async () => {
  const server = await stage.server()
  const path = join(stage.folder(), 'server.sock')
  const first = await local(server, path)
  expect(codeOf(first)).toBe('ok')
  expect(codeOf(await local(server, path))).toBe('no-server')
  const abandoned = join(stage.folder(), 'abandoned.sock')
  const other = createServer()
  await new Promise<void>((done) => other.listen(abandoned, done))
  // Closing removes the file, which a killed process does not do.
  const copy = `${abandoned}.kept`
  const { linkSync, renameSync } = await import('node:fs')
  linkSync(abandoned, copy)
  await new Promise<void>((done) => other.close(() => done()))
  renameSync(copy, abandoned)
  expect(existsSync(abandoned)).toBe(true)
  expect(codeOf(await local(server, abandoned))).toBe('ok')
})

test('a file that is no socket is not removed', async () => {
  const server = await stage.server()
  const path = join(stage.folder(), 'notes.txt')
  writeFileSync(path, 'precious')
  expect(codeOf(await local(server, path))).toBe('no-server')
  expect(existsSync(path)).toBe(true)
})

test('a port that is in use is named in the failure', async () => {
  const server = await stage.server()
  await expect(server.listen(server.port)).rejects.toThrow(/EADDRINUSE/)
})
