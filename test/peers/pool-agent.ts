// One of our pools in a process of its own, so that it can be killed: commands as lines of JSON on stdin, answers and
// events as lines on stdout. `node test/peers/pool-agent.ts '<options>'`.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { JoinReport, KeyReport } from '../../src/membership/contract.ts'
import { keyFromText } from '../../src/membership/key-store.ts'
import type { Pool } from '../../src/membership/pool.ts'
import type { KeyOperation } from '../../src/membership/serf/key-queries.ts'
import { unwrap } from '../../src/model/errors.ts'
import { openTestPool } from './test-pool.ts'

export interface PoolAgentOptions {
  readonly node: string
  readonly address: string
  readonly port: number
  readonly key?: string
  readonly folder: string
  readonly profile: 'lan' | 'local'
}

export type PoolCommand =
  | { readonly do: 'members' }
  | { readonly do: 'join'; readonly addresses: readonly string[] }
  /** With nothing but what the folder remembers. */
  | { readonly do: 'rejoin' }
  | { readonly do: 'leave' }
  | { readonly do: 'keys'; readonly operation: KeyOperation; readonly key: string }
  | { readonly do: 'event'; readonly name: string; readonly payload: string }

async function obey(pool: Pool, command: PoolCommand): Promise<unknown> {
  switch (command.do) {
    case 'members':
      return pool.members().map(({ node, presence }) => [node, presence])
    case 'join':
      return new Promise<JoinReport>((resolve) => pool.join(command.addresses, resolve))
    case 'rejoin':
      return new Promise((done) => pool.keepJoining({ addresses: [], intervalMs: 1_000, attempts: 0, done }))
    case 'leave':
      // As a host does that goes: whoever missed the news finds nobody there.
      return new Promise((resolve) =>
        pool.leave(() => {
          pool.close()
          resolve(true)
        }),
      )
    case 'keys': {
      const key = unwrap(keyFromText(command.key))
      const report = await new Promise<KeyReport>((resolve) =>
        pool.askAboutKeys({ operation: command.operation, key, relayFactor: 0 }, (done) =>
          resolve(unwrap(done)),
        ),
      )
      return {
        ...report,
        failures: [...report.failures],
        installed: [...report.installed],
        inUse: [...report.inUse],
      }
    }
    case 'event':
      return unwrap(pool.fireEvent(command.name, Buffer.from(command.payload), false))
  }
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as PoolAgentOptions
  const { pool } = await openTestPool(options)
  const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`)
  pool.onEvent((event) => {
    if (event.type === 'user-event')
      say({ event: event.type, name: event.name, payload: Buffer.from(event.payload).toString() })
    else if (event.type === 'query') event.query.respond(Buffer.from('0.42'))
    else if ('member' in event) say({ event: event.type, node: event.member.node, atMs: Date.now() })
  })
  say({ ready: true })
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    void obey(pool, JSON.parse(line) as PoolCommand).then(
      (answer) => say({ answer }),
      (error: unknown) => say({ failure: String(error) }),
    )
  })
  await once(lines, 'close')
  pool.close()
}
