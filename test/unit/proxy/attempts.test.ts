// Instance after instance, within one time limit, with a transport and a clock of the test.
import { expect, test } from 'vitest'
import { type BalanceSettings, defaultBalance } from '../../../src/model/balance.ts'
import type { RefusalCode } from '../../../src/model/refusal.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import { Balancer } from '../../../src/proxy/balance/balancer.ts'
import { UpstreamStanding } from '../../../src/proxy/balance/standing.ts'
import { Attempts } from '../../../src/proxy/transport/attempts.ts'
import type { ByteStream, OpenAnswer, Transport } from '../../../src/proxy/transport/transport.ts'
import { endpoint, recordLog } from './lab.ts'

interface Lab {
  readonly opened: string[]
  readonly cancelled: string[]
  readonly outcome: string[]
  readonly answers: OpenAnswer[]
  advance(ms: number): void
  readonly attempts: Attempts
  /** Another connection of the same upstream. */
  again(): Attempts
  /** What the upstream counts: connections, openings, those per instance. */
  counts(): readonly number[]
}

function lab(instances: readonly string[], timeoutMs: number, balance: Partial<BalanceSettings> = {}): Lab {
  let nowMs = 0
  let timers: { dueMs: number; callback: () => void; active: boolean }[] = []
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { dueMs: nowMs + delayMs, callback, active: true }
      timers.push(timer)
      return { cancel: () => (timer.active = false) }
    },
  }
  const opened: string[] = []
  const cancelled: string[] = []
  const answers: OpenAnswer[] = []
  const transport: Transport = {
    open(target, answer) {
      opened.push(target.endpoint.id)
      answers.push(answer)
      return { cancel: () => cancelled.push(target.endpoint.id) }
    },
  }
  const random = { bytes: (length: number) => new Uint8Array(length), fraction: () => 0 }
  const standing = new UpstreamStanding('web/backend', { clock, random, log: recordLog() })
  const balancer = new Balancer(
    { balance: { ...defaultBalance, ...balance } },
    {
      kind: 'endpoints',
      name: 'backend',
      service: 'backend',
      datacenter: 'dc1',
      instances: instances.map((id) => endpoint(id, 1)),
    },
    standing,
  )
  const outcome: string[] = []
  const again = (): Attempts => {
    const attempts = new Attempts({ transport, balancer, timeoutMs }, clock, {
      onAccepted: (_stream, _peer, at) => outcome.push(`accepted by ${at.id}`),
      onRefused: (code, text, at) => outcome.push(`${code} from ${at?.id ?? 'nobody'} ${text}`.trim()),
    })
    attempts.start()
    return attempts
  }
  return {
    opened,
    cancelled,
    outcome,
    answers,
    attempts: again(),
    again,
    counts: () => [standing.open, standing.pending, ...instances.map((id) => standing.of(id).active)],
    advance(ms) {
      nowMs += ms
      const due = timers.filter((timer) => timer.active && timer.dueMs <= nowMs)
      timers = timers.filter((timer) => !due.includes(timer))
      for (const timer of due) timer.callback()
    },
  }
}

const refuseLast = (run: Lab, code: RefusalCode): void => run.answers.at(-1)?.onRefused(code, '')

test('a refusal about the instance is tried on the next one, and its acceptance counts', () => {
  const run = lab(['a', 'b', 'c'], 1_000)
  refuseLast(run, 'local-connect-failed')
  run.answers.at(-1)?.onAccepted({} as ByteStream, { uri: '', tlsVersion: '' })
  expect([run.opened, run.outcome]).toEqual([['a', 'b'], ['accepted by b']])
})

test('a refusal about the caller is final', () => {
  const run = lab(['a', 'b'], 1_000)
  refuseLast(run, 'denied-by-intention')
  expect([run.opened, run.outcome]).toEqual([['a'], ['denied-by-intention from a']])
})

test('at most three instances are tried, each once', () => {
  const run = lab(['a', 'b', 'c', 'd'], 1_000)
  for (let i = 0; i < 3; i += 1) refuseLast(run, 'connect-failed')
  expect([run.opened, run.outcome]).toEqual([['a', 'b', 'c'], ['connect-failed from c']])
})

test('an instance that never answers leaves time for the others, and all end by the limit', () => {
  const run = lab(['a', 'b', 'c'], 900)
  run.advance(300)
  expect([run.opened, run.cancelled]).toEqual([['a', 'b'], ['a']])
  run.advance(300)
  run.advance(299)
  expect([run.opened, run.outcome]).toEqual([['a', 'b', 'c'], []])
  run.advance(1)
  expect(run.outcome).toEqual(['connect-timeout from c no answer from 127.0.0.1:1'])
})

test('a single instance has all the time', () => {
  const run = lab(['a'], 900)
  run.advance(899)
  expect(run.outcome).toEqual([])
})

test('without any instance: no-healthy-instance', () => {
  expect(lab([], 900).outcome).toEqual(['no-healthy-instance from nobody'])
})

test('after a cancellation nothing is answered and the opening is taken back', () => {
  const run = lab(['a', 'b'], 900)
  run.attempts.finish()
  refuseLast(run, 'connect-failed')
  run.advance(5_000)
  expect([run.opened, run.cancelled, run.outcome]).toEqual([['a'], ['a'], []])
})

test('what is open counts for the upstream and for its instance until it is over, refused attempts do not', () => {
  const run = lab(['a', 'b'], 900)
  expect(run.counts()).toEqual([1, 1, 1, 0])
  refuseLast(run, 'connect-failed')
  expect(run.counts()).toEqual([1, 1, 0, 1])
  run.answers.at(-1)?.onAccepted({} as ByteStream, { uri: '', tlsVersion: '' })
  expect(run.counts()).toEqual([1, 0, 0, 1])
  run.attempts.finish()
  expect(run.counts()).toEqual([0, 0, 0, 0])
  const other = run.again()
  other.finish()
  expect(run.counts()).toEqual([0, 0, 0, 0])
  const last = run.again()
  refuseLast(run, 'denied-by-default')
  last.finish()
  expect(run.counts()).toEqual([0, 0, 0, 0])
})

test('beyond max_connections a client is refused with the limit’s name and no instance is asked', () => {
  const run = lab(['a', 'b'], 900, { maxConnections: 1 })
  run.again().finish()
  expect(run.outcome).toEqual([
    'too-many-connections from nobody max_connections = 1 of the upstream is reached',
  ])
  expect(run.opened).toEqual(['a'])
  run.attempts.finish()
  run.again()
  expect(run.opened).toEqual(['a', 'b'])
})
