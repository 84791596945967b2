// What the leader's configuration brings into the cluster, and what it leaves alone.
import { expect, test } from 'vitest'
import type { ConfigEntry } from '../../../src/model/config-entry.ts'
import { limits } from '../../../src/model/limits.ts'
import { Configured } from '../../../src/server/leader/configured.ts'
import { genesis, intention } from '../store/rows.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

const entry = (name: string, sources: readonly string[] = ['web']): ConfigEntry => ({
  kind: 'service-intentions',
  name,
  meta: {},
  sources: sources.map((source) => ({ name: source, action: 'allow', description: '', precedence: 0 })),
})

function configured(server: TestServer, entries: readonly ConfigEntry[]): Configured {
  return new Configured({
    store: server.store,
    consensus: server.consensus,
    write: (command, reply) => server.admission.write(asServer, command, reply),
    clock: server.clock,
    log: silentLog,
    defaultIntentionAction: 'allow',
    bootstrapEntries: entries,
  })
}

test('the default and missing entries are written once the cluster is founded', () => {
  const server = new TestServer()
  configured(server, [entry('a'), entry('b')])
  server.clock.run(10)
  expect(server.store.view().index).toBe(0)
  server.applied(genesis('deny'))
  server.clock.run(10)
  expect(server.store.view().settings()?.defaultIntentionAction).toBe('allow')
  expect([...server.store.view().configEntries('service-intentions')].map((row) => row.name)).toEqual([
    'a',
    'b',
  ])
})

test('an entry that exists stays as it is, and one that is deleted later stays away', () => {
  const server = new TestServer()
  server.applied(genesis('allow'))
  server.applied(intention('db', 'a', 'deny'))
  const before = server.store.view().configEntry('service-intentions', 'a')
  configured(server, [entry('a'), entry('b')])
  server.clock.run(10)
  expect(server.store.view().configEntry('service-intentions', 'a')).toBe(before)
  expect(server.store.view().index, 'only b was written').toBe(3)
  server.applied({ type: 'config-entry.delete', kind: 'service-intentions', name: 'b' })
  server.applied({ type: 'settings.set', settings: { defaultIntentionAction: 'deny' } })
  server.clock.run(100)
  expect(server.store.view().configEntry('service-intentions', 'b')).toBeUndefined()
})

test('a follower writes nothing, a leader repeats what failed and leaves out what is wrong', () => {
  const server = new TestServer()
  server.applied(genesis('deny'))
  server.consensus.leading = false
  configured(server, [entry('broken', []), entry('a')])
  server.clock.run(10)
  expect(server.store.view().index).toBe(1)
  server.consensus.setLeading(true)
  server.consensus.leading = false
  server.clock.run(10)
  server.consensus.setLeading(true)
  server.clock.run(2 * limits.memberRetryMs)
  expect(server.store.view().settings()?.defaultIntentionAction).toBe('allow')
  expect([...server.store.view().configEntries('service-intentions')].map((row) => row.name)).toEqual(['a'])
})
