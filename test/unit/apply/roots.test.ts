// The steps of a rotation of the root that services trust, and what agents are told at each.
import { expect, test } from 'vitest'
import { trustName } from '../../../src/model/acknowledged.ts'
import type { CaRoot } from '../../../src/model/authority.ts'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import { aNode, aRoot, aSidecar, genesis, register } from '../store/rows.ts'
import { asOperator, asServer, TestServer } from '../store/server.ts'

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

const add = (id: string, rest: Partial<CaRoot> = {}): Command => ({
  type: 'root.add',
  root: aRoot(id, { active: false, ...rest }),
})
const activate = (id: string): Command => ({ type: 'root.activate', id })
const remove = (id: string, retiredBeforeMs: number): Command => ({
  type: 'root.remove',
  id,
  retiredBeforeMs,
})

const codeOf = (server: TestServer, ...command: Parameters<TestServer['apply']>): string => {
  const result = server.apply(...command)
  return result.ok ? result.value.kind : result.failure.code
}

const roots = (server: TestServer): readonly string[] =>
  server.store
    .view()
    .roots('service')
    .map(
      ({ id, active, retiredAtMs }) =>
        `${id}${active ? ' signs' : ''}${retiredAtMs === undefined ? '' : ' retired'}`,
    )

/** What agents are told to trust; the one that signs first. */
function told(server: TestServer): readonly string[] {
  const subject = { topic: 'roots', key: '' } as const
  server.publisher.subscribe(subject, () => undefined)
  const next = server.publisher.next(subject, server.publisher.positionOf(0))
  const [body] = next.kind === 'snapshot' ? (next.snapshot.frame(0)?.bodies ?? []) : []
  return body?.topic === 'roots' ? body.roots.map(({ id }) => id) : []
}

test('a new root is trusted before it signs, and the old one after it did', () => {
  const server = founded()
  const [old = ''] = told(server)
  expect(codeOf(server, add('new'), asServer)).toBe('done')
  expect(told(server)).toEqual([old, 'new'])
  expect(codeOf(server, add('new'), asServer), 'told twice').toBe('unchanged')
  expect(codeOf(server, activate('new'), asOperator)).toBe('done')
  expect(told(server)).toEqual(['new', old])
  expect([...roots(server)].sort()).toEqual([`${old} retired`, 'new signs'].sort())
  expect(codeOf(server, activate('new'), asOperator), 'told twice').toBe('unchanged')
})

test('an old root goes when nothing that it signed can be valid, and the one that signs never', () => {
  const server = founded()
  const [old = ''] = told(server)
  server.applied(add('new'), asServer)
  server.applied(activate('new'), asOperator)
  const retiredAtMs =
    server.store
      .view()
      .roots('service')
      .find(({ id }) => id === old)?.retiredAtMs ?? 0
  expect(retiredAtMs).toBeGreaterThan(0)
  expect(codeOf(server, remove(old, retiredAtMs - 1), asServer)).toBe('conflict')
  expect(codeOf(server, remove('new', Number.MAX_SAFE_INTEGER), asServer)).toBe('conflict')
  expect(codeOf(server, remove('unknown', 0), asServer)).toBe('not-found')
  expect(codeOf(server, remove(old, retiredAtMs), asServer)).toBe('done')
  expect(told(server)).toEqual(['new'])
})

test('one rotation at a time, no way back, and a bound on what is trusted', () => {
  const server = founded()
  const [old = ''] = told(server)
  server.applied(add('r1'), asServer)
  expect(codeOf(server, add('r2'), asServer)).toBe('conflict')
  server.applied(activate('r1'), asOperator)
  expect(codeOf(server, activate(old), asOperator)).toBe('conflict')
  expect(codeOf(server, activate('unknown'), asOperator)).toBe('not-found')
  for (let next = 2; next < limits.rootsPerPlane; next += 1) {
    server.applied(add(`r${next}`), asServer)
    server.applied(activate(`r${next}`), asOperator)
  }
  expect(told(server)).toHaveLength(limits.rootsPerPlane)
  expect(codeOf(server, add('one more'), asServer)).toBe('conflict')
})

test('a root that would sign at once, or for hosts, is not added', () => {
  const server = founded()
  expect(codeOf(server, add('new', { active: true }), asServer)).toBe('bad-request')
  expect(codeOf(server, add('new', { plane: 'host' }), asServer)).toBe('bad-request')
})

test('who trusts the newest roots is counted over all hosts with proxies', () => {
  const server = founded()
  const agents = ['n1', 'n2'].map((node) => {
    server.applied(register(aNode(node), [aSidecar(node === 'n1' ? 'web' : 'backend')]))
    return server.connect(node)
  })
  const index = server.applied(add('new'), asServer)
  const count = () => server.answer('intentions.enforcement', { destination: trustName, index })
  expect(count()).toMatchObject({ enforced: 0, total: 2 })
  agents[0]?.send({ kind: 'enforced', destination: trustName, indexes: [index] })
  agents[1]?.send({ kind: 'enforced', destination: trustName, indexes: [index - 1] })
  server.clock.run(1_000)
  expect(count()).toEqual({ enforced: 1, total: 2, waitingFor: ['n2'] })
  agents[1]?.send({ kind: 'enforced', destination: trustName, indexes: [index] })
  server.clock.run(1_000)
  expect(count()).toEqual({ enforced: 2, total: 2, waitingFor: [] })
  // What all destinations have in force is another count.
  expect(server.answer('intentions.enforcement', { destination: '*', index: 1 }).enforced).toBe(0)
})
