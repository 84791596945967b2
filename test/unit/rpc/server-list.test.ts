import { expect, test } from 'vitest'
import { ServerList } from '../../../src/rpc/server-list.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { TestRandom } from '../ca/ports.ts'

const three = ['a:1', 'b:1', 'c:1']

test('one server is kept until it fails, then each of the others has its turn', () => {
  const list = new ServerList(new SeededRandom(1))
  list.update(three)
  const first = list.current()
  list.update([...three])
  expect(list.current()).toBe(first)
  const seen = [first]
  for (let i = 0; i < 2; i += 1) {
    list.failed()
    seen.push(list.current())
  }
  expect([...seen].sort()).toEqual(three)
})

test('clients spread over the servers', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 300; seed += 1) {
    const list = new ServerList(new SeededRandom(seed))
    list.update(three)
    const first = list.current() ?? ''
    counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  for (const server of three) expect(counts.get(server)).toBeGreaterThan(60)
})

test('the first round is quick, then pauses grow by 1.6 from 1 s to 120 s', () => {
  const list = new ServerList(new TestRandom())
  list.update(three)
  const pauses = Array.from({ length: 20 }, () => Math.round(list.failed()))
  expect(pauses.slice(0, 7)).toEqual([100, 100, 100, 1_000, 1_600, 2_560, 4_096])
  expect(pauses.at(-1)).toBe(120_000)
  list.reset()
  expect(list.failed()).toBe(100)
})

test('pauses are spread by 20 % to either side', () => {
  const random = new TestRandom()
  const list = new ServerList(random)
  list.update(['a:1'])
  list.failed()
  random.next = () => 0
  expect(list.failed()).toBeCloseTo(800)
  random.next = () => 1
  expect(list.failed()).toBeCloseTo(1_920)
})

test('a changed list keeps the server in use, if it is still there', () => {
  const list = new ServerList(new SeededRandom(3))
  list.update(three)
  const first = list.current() ?? ''
  list.update(['d:1', first])
  expect(list.current()).toBe(first)
  list.update(['d:1'])
  expect(list.current()).toBe('d:1')
  list.update([])
  expect(list.current()).toBeUndefined()
})
