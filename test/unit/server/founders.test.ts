// Servers of bootstrap_expect meet: nobody founds before all are there, and nobody beside a cluster that exists.
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { announceWaiting, type Founder, probeFounder } from '../../../src/rpc/founders.ts'
import { meetFounders } from '../../../src/server/start-founders.ts'
import { RecordingLog } from '../ca/ports.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const host = '127.0.0.1'
const probe = (port: number): Promise<Founder> =>
  new Promise((resolve) => probeFounder(`${host}:${port}`, systemClock, resolve))

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, host, done))
  const { port } = server.address() as { readonly port: number }
  await new Promise((done) => server.close(done))
  return port
}

async function waiting(port: number): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) =>
    announceWaiting(host, port, (result) => {
      if (!result.ok) reject(new Error(result.failure.message))
      else {
        const close = (): Promise<void> => new Promise((done) => result.value.close(done))
        open.push(close)
        resolve(close)
      }
    }),
  )
}

/** What a server of a cluster does before a handshake: nothing. */
async function silent(port: number): Promise<void> {
  const sockets = new Set<{ destroy(): void }>()
  const server: Server = createServer((socket) => sockets.add(socket))
  await new Promise<void>((done) => server.listen(port, host, done))
  open.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((done) => server.close(() => done()))
  })
}

function meeting(others: readonly number[], stopped: Promise<void> = new Promise(() => undefined)) {
  const said: string[] = []
  const log = new RecordingLog()
  const options = {
    settings: {} as never,
    clock: systemClock,
    log,
    status: (text: string) => said.push(text),
    stopped,
  }
  return {
    said,
    log,
    outcome: meetFounders(
      options,
      others.map((port) => `${host}:${port}`),
    ),
  }
}

test('a server that waits is told from one that serves and from one that is away', async () => {
  const [here, there, nowhere] = [await freePort(), await freePort(), await freePort()]
  const close = await waiting(here)
  await silent(there)
  expect(await Promise.all([here, there, nowhere].map(probe))).toEqual(['waiting', 'serving', 'away'])
  await close()
  expect(await probe(here)).toBe('away')
})

test('the first founds once all others wait, and says meanwhile for whom it waits', async () => {
  const [here, later] = [await freePort(), await freePort()]
  await waiting(here)
  const { said, outcome } = meeting([here, later])
  while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(said[0]).toContain(`${host}:${later}`)
  expect(said[0]).not.toContain(`${host}:${here}`)
  await waiting(later)
  expect(await outcome).toBe('found')
})

test('beside a cluster that exists nobody founds another one', async () => {
  const [here, there] = [await freePort(), await freePort()]
  await waiting(here)
  await silent(there)
  const { outcome, log } = meeting([here, there])
  expect(await outcome).toBe('wait')
  expect(log.lines.join()).toContain('there is a cluster already')
})

test('a server that is told to stop waits for nobody', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { outcome, said } = meeting([await freePort()], promise)
  while (said.length === 0) await new Promise((turn) => setTimeout(turn, 5))
  resolve()
  expect(await outcome).toBeUndefined()
})
