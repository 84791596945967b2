// What callers see when servers come, go and stall.
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import type { Failure, Result } from '../../../src/model/errors.ts'
import { answerOf, codeOf, deregister, enrolledHost, readLeader, Stage, until } from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

const write = { command: deregister('h1'), token: '' }

test('a call made while no server is there waits for one', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  await server.close()
  const client = stage.client([server.address], () => identity, { holdTimeoutMs: 10_000 })
  const waiting = answerOf((reply) => client.write(write, reply))
  const reading = answerOf((reply) => client.read(readLeader(), reply))
  await server.listen()
  expect(codeOf(await waiting)).toBe('ok')
  expect(codeOf(await reading)).toBe('ok')
  expect(server.written).toHaveLength(1)
})

test('a call that waited long enough fails and says that no server was reached', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  await server.close()
  const client = stage.client([server.address], () => identity, { holdTimeoutMs: 200 })
  const answer = await answerOf((reply) => client.write(write, reply))
  expect(codeOf(answer)).toBe('no-server')
  expect(answer.ok ? '' : answer.failure.message).toContain(server.address)
  const stream = client.control()
  const reason = await new Promise<Failure | undefined>((resolve) =>
    stream.listen({ onFrame: () => undefined, onDrain: () => undefined, onClose: resolve }),
  )
  expect(reason?.code).toBe('no-server')
})

test('a write whose server is lost before it answered has an unknown outcome, and is not repeated', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  server.silent = true
  const answer = answerOf((reply) => client.write(write, reply))
  await until(() => server.written.length === 1, 'the write to arrive')
  await server.close()
  await server.listen()
  expect(codeOf(await answer)).toBe('write-outcome-unknown')
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
  expect(server.written).toHaveLength(1)
})

test('a read whose server is lost is repeated at another', async () => {
  const first = await stage.server()
  const { identity } = enrolledHost(first.cluster)
  const client = stage.client([first.address], () => identity, { holdTimeoutMs: 10_000 })
  const answer = answerOf((reply) => client.read(readLeader(5), reply))
  await until(() => first.reads.length === 1, 'the read to arrive')
  await first.close()
  await first.listen()
  await until(() => first.reads.length === 2, 'the read to come again')
  first.reads[1]?.answer(6)
  const read = await answer
  expect(read.ok && read.value).toMatchObject({ meta: { index: 6 }, answer: 'leader of status.leader' })
})

test('a read that is cancelled is cancelled at the server', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  const answers: Result<unknown>[] = []
  const read = client.read(readLeader(5), (answer) => answers.push(answer))
  await until(() => server.reads.length === 1, 'the read to arrive')
  read.cancel()
  await until(() => server.reads[0]?.cancelled === true, 'the cancellation to arrive')
  expect(answers).toEqual([])
})

test('an agent keeps to one server and moves on when it is lost, its stream told', async () => {
  const first = await stage.server()
  const { identity } = enrolledHost(first.cluster)
  const addresses = [first.address]
  const client = stage.client(addresses, () => identity, { holdTimeoutMs: 10_000 })
  const stream = client.control()
  let closed: { readonly reason: Failure | undefined } | undefined
  stream.listen({
    onFrame: () => undefined,
    onDrain: () => undefined,
    onClose: (reason) => {
      closed = { reason }
    },
  })
  await until(() => first.controls.length === 1, 'the stream')
  expect(client.server()).toBe(first.address)
  await first.close()
  await until(() => closed !== undefined, 'the stream to end')
  expect(closed?.reason?.code).toBe('no-server')
  await first.listen()
  client.control().listen({ onFrame: () => undefined, onDrain: () => undefined, onClose: () => undefined })
  await until(() => first.controls.length === 2, 'the stream to come back')
})

test('a write that finds no leader is repeated while there is time', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity, { holdTimeoutMs: 10_000 })
  const usual = server.api.write
  let leaderless = 3
  server.api.write = (peer, request, reply) => {
    leaderless -= 1
    if (leaderless < 0) usual(peer, request, reply)
    else reply({ ok: false, failure: { code: 'no-leader', message: 'electing' } })
  }
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('ok')
  expect(leaderless).toBe(-1)
})

test('a server that accepts and never speaks is given up', async () => {
  const sockets: Socket[] = []
  const mute: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((done) => mute.listen(0, '127.0.0.1', done))
  stage.later(() => {
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
  const address = mute.address()
  const port = typeof address === 'object' ? address?.port : 0
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([`127.0.0.1:${port}`], () => identity, { holdTimeoutMs: 300 })
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('no-server')
})

test('calls that are open when the client closes are answered', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  server.silent = true
  const answer = answerOf((reply) => client.write(write, reply))
  await until(() => server.written.length === 1, 'the write to arrive')
  client.close()
  expect(codeOf(await answer)).toBe('write-outcome-unknown')
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('no-server')
})

test('a failure travels with its code and its words, whatever they are', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  const message = `ä “quoted” 100% \n line ${'x'.repeat(5_000)} \ud800`
  server.api.write = (_peer, _request, reply) =>
    reply({ ok: false, failure: { code: 'node-name-taken', message } })
  const answer = await answerOf((reply) => client.write(write, reply))
  expect(codeOf(answer)).toBe('node-name-taken')
  expect(answer.ok ? '' : answer.failure.message).toMatch(/^ä “quoted” 100% \n line x+/)
  expect(answer.ok ? 0 : answer.failure.message.length).toBeLessThanOrEqual(2_048)
})

test('a handler that throws costs its call and nothing else', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  server.api.write = () => {
    throw new Error('a mistake of ours')
  }
  const answer = await answerOf((reply) => client.write(write, reply))
  expect(codeOf(answer)).toBe('internal')
  expect(JSON.stringify(answer)).not.toContain('a mistake of ours')
  expect(server.cluster.log.lines.some((line) => line.startsWith('error'))).toBe(true)
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
})

test('too large a command is refused without harm to the connection', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  const command = deregister('x'.repeat(2 * 1024 * 1024))
  expect(codeOf(await answerOf((reply) => client.write({ command, token: '' }, reply)))).toBe('too-large')
  expect(codeOf(await answerOf((reply) => client.read(readLeader(), reply)))).toBe('ok')
})
