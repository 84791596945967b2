// Promises that wait for the disk: none leaves early, all leave in order, and a question that is asked again and again
// while the disk is full costs nothing.
import { expect, test } from 'vitest'
import { logIndex, nodeId, term } from '../../../src/model/ids.ts'
import type { Outgoing } from '../../../src/raft/effects.ts'
import { Outbox } from '../../../src/server/consensus/outbox.ts'

function opened(): { outbox: Outbox; sent: Outgoing[] } {
  const sent: Outgoing[] = []
  return { outbox: new Outbox((outgoing) => sent.push(outgoing)), sent }
}

const accepted = (match: number, at = 1): Outgoing => ({
  to: nodeId('a'),
  message: { type: 'append-accepted', term: term(at), match: logIndex(match) },
})
const vote: Outgoing = { to: nodeId('a'), message: { type: 'vote-response', term: term(2), granted: true } }

test('a promise leaves when the disk has it, in order', () => {
  const { outbox, sent } = opened()
  outbox.hold([accepted(1)], 1, 0)
  outbox.hold([vote], 2, 0)
  outbox.hold([accepted(7)], 3, 3)
  expect(sent).toEqual([accepted(7)])
  outbox.release(1)
  expect(sent).toEqual([accepted(7), accepted(1)])
  outbox.release(2)
  expect(sent).toEqual([accepted(7), accepted(1), vote])
})

test('the same promise waits once, however often it is asked for', () => {
  const { outbox, sent } = opened()
  for (let n = 0; n < 1_000; n += 1) outbox.hold([accepted(5)], 1, 0)
  outbox.hold([accepted(4)], 1, 0)
  outbox.hold([accepted(6)], 1, 0)
  outbox.hold([accepted(6, 2)], 1, 0)
  outbox.hold([accepted(6, 2)], 2, 0)
  outbox.release(2)
  expect(sent).toEqual([accepted(5), accepted(6), accepted(6, 2), accepted(6, 2)])
})
