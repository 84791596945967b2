// When connections are tried. No server address is configured here, so each attempt fails at once and can be counted.
import { expect, test } from 'vitest'
import { ConnectionKeeper } from '../../../src/rpc/connection-keeper.ts'
import { createGrpcClient } from '../../../src/rpc/grpc-client.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { Counters, RecordingLog, TestRandom } from '../ca/ports.ts'

function keeperOf() {
  const clock = new VirtualClock()
  const attempts: number[] = []
  const keeper = new ConnectionKeeper({
    servers: () => {
      attempts.push(clock.monotonicMs())
      return []
    },
    identity: () => ({ kind: 'pinned', pin: '' }),
    clock,
    random: new TestRandom(),
    log: new RecordingLog(),
    metrics: new Counters(),
    onReady: () => undefined,
    onForeign: () => undefined,
  })
  return { clock, keeper, attempts }
}

test('nothing is tried before somebody wants a connection', () => {
  const { clock, keeper, attempts } = keeperOf()
  clock.run(600_000)
  keeper.renew()
  keeper.resetBackoff()
  expect(attempts).toEqual([])
})

test('attempts follow quickly first, then ever more seldom', () => {
  const { clock, keeper, attempts } = keeperOf()
  keeper.demand(false)
  clock.run(10_000)
  expect(attempts.map(Math.round)).toEqual([0, 100, 1_100, 2_700, 5_260, 9_356])
  expect(keeper.lastRefusal()?.code).toBe('no-server')
})

test('a person’s call brings the next attempt forward, a stream’s does not, and many calls are one attempt', () => {
  const { clock, keeper, attempts } = keeperOf()
  keeper.demand(false)
  clock.run(600_000)
  const before = attempts.length
  clock.run(5_000)
  for (let i = 0; i < 100; i += 1) keeper.demand(false)
  expect(attempts).toHaveLength(before)
  for (let i = 0; i < 100; i += 1) keeper.demand(true)
  expect(attempts).toHaveLength(before + 1)
  clock.run(990)
  expect(attempts).toHaveLength(before + 1)
  clock.run(20)
  expect(attempts).toHaveLength(before + 2)
})

test('when a server is heard of, the next attempt is made at once and pauses begin anew', () => {
  const { clock, keeper, attempts } = keeperOf()
  keeper.demand(false)
  clock.run(600_000)
  const before = attempts.length
  keeper.resetBackoff()
  expect(attempts).toHaveLength(before + 1)
  clock.run(1_200)
  expect(attempts).toHaveLength(before + 3)
})

test('a new certificate is tried at once', () => {
  const { clock, keeper, attempts } = keeperOf()
  keeper.demand(false)
  clock.run(600_000)
  const before = attempts.length
  keeper.renew()
  expect(attempts).toHaveLength(before + 1)
})

test('a closed keeper tries no more', () => {
  const { clock, keeper, attempts } = keeperOf()
  keeper.demand(false)
  keeper.close()
  keeper.demand(true)
  keeper.renew()
  clock.run(600_000)
  expect(attempts).toHaveLength(1)
})

test('a call waits for a server the usual time, and in an outage that has outlasted it only for one more attempt', () => {
  const clock = new VirtualClock()
  const client = createGrpcClient({
    servers: () => [],
    identity: () => ({ kind: 'pinned', pin: '' }),
    clock,
    random: new TestRandom(),
    log: new RecordingLog(),
    metrics: new Counters(),
    holdTimeoutMs: 7_000,
  })
  const waitedMs = (): number => {
    const startedMs = clock.monotonicMs()
    let endedMs = 0
    const command = { type: 'catalog.deregister', node: 'a' } as const
    client.write({ command, token: '' }, (result) => {
      expect(result).toMatchObject({ ok: false, failure: { code: 'no-server' } })
      endedMs = clock.monotonicMs()
    })
    clock.run(60_000)
    return Math.round(endedMs - startedMs)
  }
  expect([waitedMs(), waitedMs()]).toEqual([7_000, 1_500])
  client.close()
})
