// Whom a host is told to gossip with: the next hosts by name in a ring, in little time however many there are.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { aMemberCheck, aNode, genesis, register } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

function cluster(names: readonly string[], failed: readonly string[] = []): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  for (const name of names)
    server.applied(
      register(aNode(name), [], [aMemberCheck(name, failed.includes(name) ? 'critical' : 'passing')]),
    )
  return server
}

const told = (server: TestServer, node: string): readonly string[] =>
  server.answer('mesh.neighbours', { node }).map((neighbour) => neighbour.node)

test('the hosts that follow in the ring of names, without the one that asks', () => {
  const server = cluster(['a', 'aa', 'b', 'c', 'd', 'e'])
  expect(told(server, 'a')).toEqual(['aa', 'b', 'c', 'd'])
  expect(told(server, 'd')).toEqual(['e', 'a', 'aa', 'b'])
  expect(told(server, 'nobody-yet')).toEqual(['a', 'aa', 'b', 'c'])
  expect(told(cluster(['only']), 'only')).toEqual([])
})

test('following the first neighbours of each leads through all hosts', () => {
  const names = Array.from({ length: 50 }, (_, i) => `host-${(i * 7) % 50}`)
  const server = cluster(names)
  const reached = new Set<string>()
  for (let at = 'host-0'; !reached.has(at); at = told(server, at)[0] ?? '') reached.add(at)
  expect(reached.size).toBe(50)
})

test('hosts that seem lost come last, nodes without an agent not at all', () => {
  const server = cluster(['a', 'b', 'c', 'd', 'e', 'f'], ['b', 'c'])
  server.applied(register(aNode('bb-external')))
  expect(told(server, 'a')).toEqual(['d', 'e', 'f', 'b', 'c'])
})

test('a server looks at a bounded number of nodes', () => {
  const lost = Array.from(
    { length: limits.neighboursLooked + 10 },
    (_, i) => `m${String(i).padStart(5, '0')}`,
  )
  const server = cluster([...lost, 'z'], lost)
  expect(told(server, 'a')).toHaveLength(limits.neighboursTold)
  expect(told(server, 'a')).not.toContain('z')
})
