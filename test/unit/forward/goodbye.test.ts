// A server of several that stops: who is sent away when, and how long it serves on.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { sayGoodbye } from '../../../src/server/goodbye.ts'
import { genesis } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

function stopping(agents: number) {
  const server = new TestServer()
  server.applied(genesis())
  const connected = Array.from({ length: agents }, (_, n) => server.connect(`n${n}`))
  server.clock.run(10)
  const writes = { underWay: 0 }
  let endedAtMs: number | undefined
  const startedMs = server.clock.monotonicMs()
  sayGoodbye({ hub: server.hub, forwarding: writes, clock: server.clock }, () => {
    endedAtMs = server.clock.monotonicMs() - startedMs
  })
  const gone = (): number => connected.filter(({ closed }) => closed).length
  return { server, writes, gone, ended: () => endedAtMs }
}

test('agents are sent away a number at a time, with the reason, and none is taken any more', () => {
  const { server, gone, ended } = stopping(450)
  server.clock.run(1)
  expect(gone()).toBe(limits.goodbyesPerTurn)
  const late = server.connect('late')
  server.clock.run(1)
  expect(late.take()).toMatchObject([{ kind: 'goaway', reason: { code: 'no-server' } }])
  server.clock.run(2 * limits.goodbyeEveryMs)
  expect(gone()).toBe(450)
  server.clock.run(limits.goodbyeMaxMs)
  expect(ended()).toBeLessThan(limits.goodbyeQuietMs + 5 * limits.goodbyeEveryMs)
})

test('it serves on while writes come, and ends when none does for a moment', () => {
  const { server, writes, ended } = stopping(1)
  writes.underWay = 1
  server.clock.run(1_000)
  expect(ended()).toBeUndefined()
  writes.underWay = 0
  server.clock.run(limits.goodbyeQuietMs + 2 * limits.goodbyeEveryMs)
  expect(ended()).toBeDefined()
})

test('it does not wait for ever', () => {
  const { server, writes, ended } = stopping(1)
  writes.underWay = 1
  server.clock.run(limits.goodbyeMaxMs + limits.goodbyeEveryMs)
  expect(ended()).toBeDefined()
})
