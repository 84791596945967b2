// Blocking reads: Consul's rules (reference/consul.md 1.3, Appendix A trap 16), on a virtual clock.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { aNode, aService, genesis, intention, register } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

const web = { service: 'web', tags: [], nodeMeta: {} }

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  server.applied(register(aNode('n1'), [aService('web')]))
  return server
}

test('a read without index is answered at once, one with an older index too', () => {
  const server = founded()
  expect(server.ask('catalog.service', web).isAnswered).toBe(true)
  const index = server.applied(register('n1', [aService('web', { port: 1 })]))
  const asked = server.ask('catalog.service', web, { minIndex: index - 1, waitMs: 60_000 })
  expect(asked.isAnswered).toBe(true)
  expect(asked.index).toBe(index)
})

test('a read at the current index waits for a change of what it asked, and of nothing else', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const asked = server.ask('catalog.service', web, { minIndex, waitMs: 60_000 })
  server.applied(register(aNode('n2'), [aService('db')]))
  server.applied(register('n1', [aService('web')]))
  server.clock.run(1_000)
  expect(asked.isAnswered).toBe(false)
  const index = server.applied(register('n1', [aService('web', { port: 1 })]))
  server.clock.run(10)
  expect(asked.index).toBe(index)
  expect(asked.answer[0]?.service.port).toBe(1)
  expect(server.reader.held).toBe(0)
})

test('several changes in one turn are one answer with the newest state', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const asked = server.ask('catalog.service', web, { minIndex, waitMs: 60_000 })
  for (let port = 1; port <= 50; port++) server.applied(register('n1', [aService('web', { port })]))
  server.clock.run(10)
  expect(asked.answer[0]?.service.port).toBe(50)
  expect(asked.index).toBe(server.store.view().index)
})

test('at its timeout a read gets the same answer and index, after its wait and up to a sixteenth more', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const asked = server.ask('catalog.service', web, { minIndex, waitMs: 16_000 })
  server.clock.run(15_990)
  expect(asked.isAnswered).toBe(false)
  server.clock.run(1_020)
  expect(asked.index).toBe(minIndex)
  expect(asked.answer.length).toBe(1)
})

test('waits that began together do not end together', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const asked = Array.from({ length: 50 }, () =>
    server.ask('catalog.service', web, { minIndex, waitMs: 16_000 }),
  )
  const begun = server.clock.monotonicMs()
  const ends = new Set<number>()
  const answered = () => asked.filter((one) => one.isAnswered).length
  for (let before = 0; before < asked.length; before = answered()) {
    expect(server.clock.runUntil(() => answered() > before, 20_000)).toBe(true)
    ends.add(Math.round((server.clock.monotonicMs() - begun) / 100))
  }
  expect(ends.size).toBeGreaterThan(5)
})

test('without a wait the default holds, and no wait is longer than the limit', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const usual = server.ask('catalog.service', web, { minIndex })
  const longest = server.ask('catalog.service', web, { minIndex, waitMs: 3_600_000 })
  server.clock.run(limits.blockingDefaultMs - 100)
  expect(usual.isAnswered).toBe(false)
  server.clock.run(limits.blockingDefaultMs / 16 + 200)
  expect(usual.isAnswered).toBe(true)
  server.clock.run(limits.blockingMaxMs - limits.blockingDefaultMs)
  server.clock.run(limits.blockingMaxMs / 16)
  expect(longest.isAnswered).toBe(true)
})

test('an index beyond the newest one is from another life: answered at once (trap 16)', () => {
  const server = founded()
  const asked = server.ask('catalog.service', web, { minIndex: 1_000_000, waitMs: 60_000 })
  expect(asked.isAnswered).toBe(true)
  expect(asked.index).toBe(2)
})

test('a watcher of something missing sleeps through other disappearances and wakes when it comes', () => {
  const server = founded()
  server.applied(register('n1', [aService('a'), aService('b')]))
  const missing = { ...web, service: 'missing' }
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'a' })
  const minIndex = server.index('catalog.service', missing)
  const service = server.ask('catalog.service', missing, { minIndex, waitMs: 60_000 })
  const node = server.ask('catalog.node', { node: 'missing' }, { minIndex, waitMs: 60_000 })
  const entry = server.ask(
    'config.get',
    { kind: 'service-intentions', name: 'missing' },
    { minIndex, waitMs: 60_000 },
  )
  server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'b' })
  server.applied(intention('x', 'y', 'allow'))
  server.applied({ type: 'intention.delete', sourceName: 'x', destinationName: 'y' })
  server.applied(register(aNode('n9')))
  server.applied({ type: 'catalog.deregister', node: 'n9' })
  server.clock.run(1_000)
  expect([service, node, entry].map((asked) => asked.isAnswered)).toEqual([false, false, false])
  const index = server.applied(register(aNode('missing'), [aService('missing')]))
  server.clock.run(10)
  expect(service.index).toBe(index)
  expect(node.answer?.node.name).toBe('missing')
  const written = server.applied(intention('x', 'missing', 'allow'))
  server.clock.run(10)
  expect(entry.index).toBe(written)
})

test('a watcher of something that disappears is told', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const asked = server.ask('catalog.service', web, { minIndex, waitMs: 60_000 })
  const index = server.applied({ type: 'catalog.deregister', node: 'n1', serviceId: 'web' })
  server.clock.run(10)
  expect(asked.index).toBe(index)
  expect(asked.answer).toEqual([])
})

test('after a restore everybody who waits is answered at once', () => {
  const server = founded()
  const view = server.store.view()
  const asked = [
    server.ask('catalog.service', web, { minIndex: view.index, waitMs: 60_000 }),
    server.ask('catalog.nodes', { nodeMeta: {} }, { minIndex: view.index, waitMs: 60_000 }),
    server.ask('catalog.service', { ...web, service: 'missing' }, { minIndex: view.index, waitMs: 60_000 }),
  ]
  expect(asked.map((one) => one.isAnswered)).toEqual([false, false, false])
  server.restoreInPlace()
  server.clock.run(10)
  expect(asked.map((one) => one.isAnswered)).toEqual([true, true, true])
  const again = server.ask('catalog.service', web, { minIndex: view.index, waitMs: 60_000 })
  server.applied(register('n1', [aService('web', { port: 7 })]))
  server.clock.run(10)
  expect(again.isAnswered, 'watches work on the restored state').toBe(true)
})

test('a cancelled read is never answered and frees its place', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const held = server.ask('catalog.service', web, { minIndex, waitMs: 60_000 })
  const early = server.ask('catalog.service', web, { minIndex })
  expect(server.reader.held).toBe(2)
  held.cancel()
  early.cancel()
  held.cancel()
  expect(server.reader.held).toBe(0)
  server.applied(register('n1', [aService('web', { port: 1 })]))
  server.clock.run(400_000)
  expect([held.isAnswered, early.isAnswered]).toEqual([false, false])
})

test('more waiting reads than one server holds are refused, and counted', () => {
  const server = founded()
  const minIndex = server.index('catalog.service', web)
  const request = {
    name: 'catalog.service' as const,
    args: web,
    options: { consistency: 'stale' as const, minIndex, waitMs: 60_000 },
    token: '',
  }
  let answered = 0
  for (let i = 0; i < limits.blockingQueriesHeld; i++) server.reader.read(request, () => answered++)
  const refused = server.ask('catalog.service', web, { minIndex, waitMs: 60_000 })
  expect(refused.result).toMatchObject({ ok: false, failure: { code: 'overloaded' } })
  expect(server.ask('catalog.service', web).isAnswered, 'reads that do not wait go on').toBe(true)
  server.applied(register('n1', [aService('web', { port: 1 })]))
  expect(server.clock.runUntil(() => answered === limits.blockingQueriesHeld, 1_000)).toBe(true)
})

test('default and consistent reads need a leader, stale ones do not', () => {
  const server = founded()
  server.consensus.leading = false
  expect(server.ask('catalog.service', web).result).toMatchObject({
    ok: false,
    failure: { code: 'no-leader' },
  })
  const consistent = server.ask('catalog.service', web, { consistency: 'consistent' })
  expect(consistent.result).toMatchObject({ ok: false, failure: { code: 'no-leader' } })
  const stale = server.ask('catalog.service', web, { consistency: 'stale' })
  expect(stale.answer.length).toBe(1)
  expect(stale.meta).toMatchObject({ effective: 'stale', knownLeader: false })
  expect(server.answer('status.leader', {})).toBe('')
  server.consensus.leading = true
  expect(server.ask('catalog.service', web).meta).toMatchObject({
    effective: 'leader',
    knownLeader: true,
    lastContactMs: 0,
  })
})

test('a long answer is read in slices and shows one moment', () => {
  const server = founded()
  const nodes = limits.rowsPerTurn + 10
  for (let i = 0; i < nodes; i++) server.applied(register(aNode(`many-${i}`), [aService('many')]))
  let answer: unknown
  const { cancel } = server.reader.read(
    {
      name: 'catalog.service',
      args: { ...web, service: 'many' },
      options: { consistency: 'stale', minIndex: 0, waitMs: 0 },
      token: '',
    },
    (result) => {
      answer = result.ok ? result.value.answer.length : result.failure
    },
  )
  expect(answer, 'not all in one slice').toBeUndefined()
  server.applied({ type: 'catalog.deregister', node: `many-${nodes - 1}` })
  server.clock.run(10)
  expect(answer).toBe(nodes)
  cancel()
})

test('a write wakes those whom it concerns and nobody else, however many wait', () => {
  const server = founded()
  const keys = Array.from({ length: 2_000 }, (_, i) => `watched/${i}`)
  for (const key of keys) server.applied({ type: 'kv.set', key, value: '', flags: '0' })
  const minIndex = server.store.view().index
  const ofKeys = keys.map((key) => server.ask('kv.get', { key }, { minIndex, waitMs: 600_000 }))
  const ofWeb = Array.from({ length: 500 }, () =>
    server.ask('catalog.service', web, { minIndex: server.index('catalog.service', web), waitMs: 600_000 }),
  )
  const woken = (): number => server.metrics.counts.get('mesh_server_reads_woken_total{}') ?? 0
  const answered = (): number => [...ofKeys, ...ofWeb].filter((asked) => asked.isAnswered).length
  for (let n = 0; n < 50; n++) {
    server.applied({ type: 'kv.set', key: `elsewhere/${n}`, value: '', flags: '0' })
    server.applied(register(aNode('other'), [aService('db', { port: 1 + n })]))
    server.applied(intention(`s${n}`, 'db', 'deny'))
    server.clock.run(10)
  }
  expect([server.reader.held, woken(), answered()]).toEqual([2_500, 0, 0])
  server.applied({ type: 'kv.set', key: 'watched/7', value: 'bmV3', flags: '0' })
  server.clock.run(10)
  expect([woken(), answered(), ofKeys[7]?.isAnswered]).toEqual([1, 1, true])
  server.applied(register('n1', [aService('web', { port: 9 })]))
  server.applied({ type: 'kv.delete', key: 'watched/', recurse: true })
  server.clock.run(100)
  expect([server.reader.held, woken(), answered()]).toEqual([0, 2_500, 2_500])
})
