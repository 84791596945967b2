// An answer waits until this server has applied its entry: not longer, not for ever, and found without a look at all others.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { AppliedWaiting } from '../../../src/server/forward/applied-waiting.ts'
import type { View } from '../../../src/server/store/view.ts'
import { VirtualClock } from '../../simulation/clock.ts'

function waitingRoom() {
  const state = { index: 10 }
  const clock = new VirtualClock()
  let commit = (_view: View): void => undefined
  let replaced = (_view: View): void => undefined
  const view = (): View => state as unknown as View
  const waiting = new AppliedWaiting(
    {
      view,
      onCommit: (listener) => {
        commit = (now) => listener(now, undefined as never)
      },
      onReplaced: (listener) => {
        replaced = listener
        return () => true
      },
    },
    clock,
  )
  const done: number[] = []
  return {
    clock,
    done,
    wait: (index: number) => waiting.whenApplied(index, () => done.push(index)),
    applied: (index: number) => {
      state.index = index
      commit(view())
    },
    restored: (index: number) => {
      state.index = index
      replaced(view())
    },
  }
}

test('what is applied already waits for nothing, the rest for its own entry', () => {
  const room = waitingRoom()
  for (const index of [10, 11, 12, 12, 14]) room.wait(index)
  expect(room.done).toEqual([10])
  room.applied(11)
  expect(room.done).toEqual([10, 11])
  room.applied(12)
  expect(room.done).toEqual([10, 11, 12, 12])
})

test('an entry that is no command, or a snapshot, passes over nobody', () => {
  const room = waitingRoom()
  for (const index of [11, 12, 13, 20]) room.wait(index)
  room.applied(13)
  expect(room.done).toEqual([11, 12, 13])
  room.restored(30)
  expect(room.done).toEqual([11, 12, 13, 20])
})

test('a server that is far behind holds nobody up for long, and answers once', () => {
  const room = waitingRoom()
  room.wait(11)
  room.clock.run(limits.appliedWaitMs * 1.5)
  expect(room.done).toEqual([11])
  room.applied(11)
  expect(room.done).toEqual([11])
})
