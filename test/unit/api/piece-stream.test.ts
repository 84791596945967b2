// A body that goes on for as long as its client: bounded, in order, and honest about what it left out.
import { expect, test } from 'vitest'
import { createPieceStream } from '../../../src/agent/api/piece-stream.ts'

function stream(waiting: number) {
  const closed = { times: 0 }
  const body = createPieceStream({
    waiting,
    gap: (count) => `[${count} left out]`,
    onClose: () => {
      closed.times += 1
    },
  })
  const reader = body[Symbol.asyncIterator]()
  const next = async (): Promise<string | undefined> => {
    const { done, value } = await reader.next()
    return done === true ? undefined : Buffer.from(value).toString()
  }
  return { body, reader, next, closed }
}

test('pieces come in order, also to a reader that waits already', async () => {
  const { body, next } = stream(4)
  const first = next()
  body.push('a')
  body.push('b')
  expect([await first, await next()]).toEqual(['a', 'b'])
})

test('what a slow reader has no room for is counted, and told where it is missing', async () => {
  const { body, next } = stream(2)
  for (const piece of ['a', 'b', 'c', 'd', 'e']) body.push(piece)
  expect([await next(), await next(), await next()]).toEqual(['a', 'b', '[3 left out]'])
  body.push('f')
  expect(await next()).toBe('f')
})

test('a reader that leaves while it waits is noticed at once, and only once', async () => {
  const { body, reader, next, closed } = stream(2)
  const waiting = next()
  await reader.return?.()
  expect([await waiting, closed.times]).toEqual([undefined, 1])
  body.push('late')
  expect([await next(), closed.times]).toEqual([undefined, 1])
})

test('an end lets what waits be read first', async () => {
  const { body, next, closed } = stream(2)
  body.push('last')
  body.end()
  body.push('after the end')
  expect([await next(), await next(), closed.times]).toEqual(['last', undefined, 1])
})
