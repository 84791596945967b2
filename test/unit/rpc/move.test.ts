// An agent leaves a server that works, because the server asked it to: what is open ends there, what is new goes elsewhere.
import { afterAll, expect, test } from 'vitest'
import type { Failure } from '../../../src/model/errors.ts'
import type { GrpcClient } from '../../../src/rpc/grpc-client.ts'
import {
  answerOf,
  codeOf,
  deregister,
  enrolledHost,
  readLeader,
  Stage,
  TestServer,
  until,
} from './harness.ts'

const stage = new Stage()
afterAll(() => stage.close())

const write = { command: deregister('h1'), token: '' }

async function twoServers(): Promise<readonly [TestServer, TestServer]> {
  const first = await stage.server()
  const second = new TestServer(first.cluster)
  await second.listen()
  stage.later(() => second.close())
  return [first, second]
}

const openControl = (client: GrpcClient): { closed?: Failure | 'ended' } => {
  const seen: { closed?: Failure | 'ended' } = {}
  client.control().listen({
    onFrame: () => undefined,
    onDrain: () => undefined,
    onClose: (reason) => {
      seen.closed = reason ?? 'ended'
    },
  })
  return seen
}

test('new calls and streams go to another server, a read that waits ends where it is', async () => {
  const servers = await twoServers()
  const { identity } = enrolledHost(servers[0].cluster)
  const addresses = servers.map(({ address }) => address)
  const client = stage.client(addresses, () => identity, { holdTimeoutMs: 10_000 })
  const stream = openControl(client)
  const reading = answerOf((reply) => client.read(readLeader(5), reply))
  await until(() => servers.some(({ reads }) => reads.length === 1), 'the read to arrive')
  const [from, to] = servers[0].reads.length === 1 ? servers : [servers[1], servers[0]]
  await until(() => from.controls.length === 1, 'the stream')
  client.moveOn()
  openControl(client)
  await until(() => to.controls.length === 1, 'the stream at the other server')
  expect(client.server()).toBe(to.address)
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('ok')
  expect([from.written.length, to.written.length]).toEqual([0, 1])
  expect(stream.closed).toBeUndefined()
  from.reads[0]?.answer(6)
  expect(codeOf(await reading)).toBe('ok')
})

test('where no other server is reached it comes back to the one that it left', async () => {
  const servers = await twoServers()
  const { identity } = enrolledHost(servers[0].cluster)
  const client = stage.client(
    servers.map(({ address }) => address),
    () => identity,
    { holdTimeoutMs: 10_000 },
  )
  openControl(client)
  await until(() => servers.some(({ controls }) => controls.length === 1), 'the stream')
  const [from, to] = servers[0].controls.length === 1 ? servers : [servers[1], servers[0]]
  await to.close()
  client.moveOn()
  expect(codeOf(await answerOf((reply) => client.write(write, reply)))).toBe('ok')
  openControl(client)
  await until(() => from.controls.length === 2, 'the stream to come back')
})

test('with one server there is nowhere to go', async () => {
  const server = await stage.server()
  const { identity } = enrolledHost(server.cluster)
  const client = stage.client([server.address], () => identity)
  openControl(client)
  await until(() => server.controls.length === 1, 'the stream')
  client.moveOn()
  openControl(client)
  await until(() => server.controls.length === 2, 'the next stream')
})
