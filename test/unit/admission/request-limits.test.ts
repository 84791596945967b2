// `limits { request_limits }`: so many reads and writes a second, apart; what is too much is refused, or only counted.
import { expect, test } from 'vitest'
import { loadConfiguration } from '../../../src/config/load.ts'
import type { RequestLimits } from '../../../src/config/settings.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Peer, ReadRequest, ServerApi } from '../../../src/rpc/contract.ts'
import { limitRequests } from '../../../src/server/admission/request-limits.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { RecordingLog } from '../agent/fakes.ts'
import { machine } from '../config/machine.ts'
import { CountedMetrics } from '../store/server.ts'

const peer: Peer = { certificates: [], address: 'test' }

/** A server that does what it is asked, behind limits. */
class Limited {
  readonly clock = new VirtualClock()
  readonly metrics = new CountedMetrics()
  readonly log = new RecordingLog()
  readonly api: ServerApi
  readonly done = { write: 0, read: 0 }

  constructor(configured: RequestLimits) {
    const { done, clock, log, metrics } = this
    const calls = {
      write: (_peer: Peer, _request: unknown, reply: (result: unknown) => void) => {
        done.write += 1
        reply({ ok: true, value: { index: 1, value: { kind: 'done' } } })
      },
      read: (_peer: Peer, _request: unknown, reply: (result: unknown) => void) => {
        done.read += 1
        reply({ ok: true, value: {} })
        return { cancel: () => undefined }
      },
    } as unknown as ServerApi
    this.api = limitRequests(calls, { configured, clock, log, metrics })
  }

  write(): string {
    let outcome = ''
    const command = { type: 'kv.set', key: 'a', value: '', flags: '0' } as const
    this.api.write(peer, { command, token: '' }, (result) => {
      outcome = result.ok ? 'done' : result.failure.code
    })
    return outcome
  }

  read(name: 'kv.get' | 'status.leader' = 'kv.get'): string {
    let outcome = ''
    const request = {
      name,
      args: { key: 'a' },
      options: { consistency: 'default', minIndex: 0, waitMs: 0 },
      token: '',
    }
    this.api.read(peer, request as unknown as ReadRequest<'kv.get'>, (result) => {
      outcome = result.ok ? 'done' : result.failure.code
    })
    return outcome
  }

  writes(count: number): readonly string[] {
    return Array.from({ length: count }, () => this.write())
  }
}

const times = (outcome: string, count: number): readonly string[] =>
  Array.from({ length: count }, () => outcome)

test('beyond its rate a server refuses writes at once, and takes more as time goes by; reads go on', () => {
  const server = new Limited({ mode: 'enforcing', readPerSecond: -1, writePerSecond: 10 })
  expect(server.writes(12)).toEqual([...times('done', 10), ...times('rate-limited', 2)])
  expect(server.done.write).toBe(10)
  expect(server.read()).toBe('done')
  server.clock.run(300)
  expect(server.writes(4)).toEqual([...times('done', 3), 'rate-limited'])
  expect(server.metrics.counts.get('mesh_server_rate_limited_total{"kind":"write","mode":"enforcing"}')).toBe(
    3,
  )
})

test('reads have a rate of their own, which agents that ask for the leader do not use up', () => {
  const server = new Limited({ mode: 'enforcing', readPerSecond: 2, writePerSecond: -1 })
  for (let i = 0; i < 20; i++) expect(server.read('status.leader')).toBe('done')
  expect([server.read(), server.read(), server.read()]).toEqual(['done', 'done', 'rate-limited'])
  expect(server.write()).toBe('done')
})

test('`permissive` does everything, and tells what would have been refused without filling the log', () => {
  const server = new Limited({ mode: 'permissive', readPerSecond: -1, writePerSecond: 1 })
  expect(server.writes(100)).toEqual(times('done', 100))
  expect(
    server.metrics.counts.get('mesh_server_rate_limited_total{"kind":"write","mode":"permissive"}'),
  ).toBe(99)
  const lines = server.log.lines.filter(({ message }) => message.includes('request_limits'))
  expect(lines.length).toBe(limits.rateLimitLinesPerSecond)
})

test('`disabled` limits nothing', () => {
  const server = new Limited({ mode: 'disabled', readPerSecond: 0, writePerSecond: 0 })
  expect([server.read(), server.write()]).toEqual(['done', 'done'])
})

const settingsOf = (text: string) => {
  const loaded = loadConfiguration([{ path: 'server.hcl', text: `server = true\n${text}` }], machine)
  return loaded.ok
    ? loaded.value.settings.requestLimits
    : loaded.errors.map(({ what, why }) => `${what}: ${why}`)
}

test('the configuration has Consul’s names; what is left away is no limit', () => {
  expect(settingsOf('')).toBeUndefined()
  expect(settingsOf('limits { request_limits { mode = "enforcing" write_rate = 500 } }')).toEqual({
    mode: 'enforcing',
    readPerSecond: -1,
    writePerSecond: 500,
  })
  expect(String(settingsOf('limits { request_limits { mode = "strict" } }'))).toContain('strict')
})
