// A server that is behind: what it must not refuse before it has looked at the newest state, and what answers wait for.
import { expect, test } from 'vitest'
import type { Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import { CatchingUp } from '../../../src/server/catching-up.ts'
import { AppliedWaiting } from '../../../src/server/forward/applied-waiting.ts'
import { aNode, genesis, register } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

const refused = (code: 'not-enrolled' | 'conflict'): Result<string> => ({
  ok: false,
  failure: { code, message: 'as far as this server knows' },
})

/** A follower, unless said otherwise, whose barrier takes `barrier`. */
function attempts(
  answers: readonly Result<string>[],
  options: { readonly leads?: boolean; readonly barrier?: boolean } = {},
) {
  const server = new TestServer()
  let tries = 0
  let barriers = 0
  const catching = new CatchingUp({
    status: () => ({ ...server.consensus.status(), role: options.leads === true ? 'leader' : 'follower' }),
    readBarrier: (done) => {
      barriers += 1
      if (options.barrier !== false) server.consensus.readBarrier(done)
      else done({ ok: false, failure: { code: 'no-leader', message: 'nobody leads' } })
    },
  })
  let answer: Result<string> | undefined
  catching.try<string>(
    (reply) => reply(answers[tries++] ?? refused('conflict')),
    (result) => {
      answer = result
    },
  )
  server.clock.run(10)
  return { tries, barriers, answer }
}

test('a refusal that newer state may change is looked at again behind a barrier, once', () => {
  expect(attempts([refused('not-enrolled'), { ok: true, value: 'known now' }])).toEqual({
    tries: 2,
    barriers: 1,
    answer: { ok: true, value: 'known now' },
  })
  expect(attempts([refused('not-enrolled'), refused('not-enrolled')])).toMatchObject({
    tries: 2,
    answer: refused('not-enrolled'),
  })
})

test('other answers, and all of a leader, are final', () => {
  expect(attempts([{ ok: true, value: 'at once' }])).toMatchObject({ tries: 1, barriers: 0 })
  expect(attempts([refused('conflict')])).toMatchObject({ tries: 1, barriers: 0 })
  expect(attempts([refused('not-enrolled')], { leads: true })).toMatchObject({ tries: 1, barriers: 0 })
})

test('where nobody can tell what is the newest, nobody is refused for good', () => {
  expect(attempts([refused('not-enrolled')], { barrier: false })).toMatchObject({
    tries: 1,
    answer: { ok: false, failure: { code: 'no-leader' } },
  })
})

test('an answer waits until its index is applied here, and not for ever', () => {
  const server = new TestServer()
  server.applied(genesis())
  const waiting = new AppliedWaiting(server.store, server.clock)
  const done: number[] = []
  for (const index of [1, 2, 3, 9]) waiting.whenApplied(index, () => done.push(index))
  expect(done).toEqual([1])
  server.applied(register(aNode('n1')))
  expect(done).toEqual([1, 2])
  server.applied(register(aNode('n2')))
  expect(done).toEqual([1, 2, 3])
  server.clock.run(limits.appliedWaitMs - 10)
  expect(done).toEqual([1, 2, 3])
  server.clock.run(limits.appliedWaitMs)
  expect(done).toEqual([1, 2, 3, 9])
})
