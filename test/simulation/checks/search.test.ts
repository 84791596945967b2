// That the rules about finding where logs part hold for the real core, and that a core which breaks one is told.
import { expect, test } from 'vitest'
import { logIndex, nodeId } from '../../../src/model/ids.ts'
import type { RaftMessage } from '../../../src/model/raft-message.ts'
import type { Effects, Outgoing } from '../../../src/raft/effects.ts'
import { between, Cores } from '../../unit/raft/cores.ts'
import { Searches } from './search.ts'

type Tamper = (effects: Effects, server: string) => Effects

const changed =
  <Type extends RaftMessage['type']>(
    type: Type,
    change: (message: Extract<RaftMessage, { type: Type }>) => RaftMessage,
  ): Tamper =>
  (effects) => {
    const free = effects.free.map((one): Outgoing => {
      const { message } = one
      return message.type === type
        ? { ...one, message: change(message as Extract<RaftMessage, { type: Type }>) }
        : one
    })
    return { ...effects, free }
  }

/** A leader that was cut off comes back with entries of its own; what a later leader makes of them is checked. */
function reunite(tamper: Tamper = (effects) => effects): Cores {
  const cores = Cores.started(3)
  cores.timeOut('a')
  cores.propose('a', 'one', 'two')
  cores.settle()
  cores.drop = between('a')
  cores.propose('a', 'lost 1', 'lost 2', 'lost 3')
  cores.timeOut('b')
  cores.propose('b', 'three', 'four')
  cores.settle()
  // Its first probe stands where its log ended, behind what the one that comes back can know.
  cores.timeOut('c')
  cores.drop = () => false
  const searches = new Searches()
  searches.leads('c', cores.core('c').raft)
  for (const core of cores.all.values()) {
    const step = core.step.bind(core)
    core.step = (input) => {
      const effects = step(input)
      searches.stepped(core.id, core.raft, input, tamper(effects, core.id))
      return effects
    }
  }
  cores.pass(1_000)
  return cores
}

test('a leader and a follower whose logs part break no rule and end with equal logs', () => {
  const cores = reunite()
  expect(cores.leaders()).toEqual(['c'])
  for (const id of ['a', 'b', 'c']) expect(cores.appliedTexts(id)).toEqual(['one', 'two', 'three', 'four'])
})

test('a hint that is lower than it must be is told', () => {
  const lower = changed('append-rejected', (message) => ({
    ...message,
    hint: { ...message.hint, index: logIndex(message.hint.index - 1) },
  }))
  expect(() => reunite(lower)).toThrow(/^hint: a refuses/)
})

test('a refusal of what is committed is told', () => {
  const below = changed('append-rejected', (message) => ({ ...message, previous: logIndex(1) }))
  expect(() => reunite(below)).toThrow(/^refused-committed: a refuses/)
})

test('a probe that begins before what the hint says is told', () => {
  const before = changed('append', (message) => ({
    ...message,
    previous: { ...message.previous, index: logIndex(message.previous.index - 1) },
  }))
  expect(() => reunite(before)).toThrow(/^probe: c after a refusal of a/)
})

test('a snapshot for a follower that the log still reaches is told', () => {
  const needless: Tamper = (effects, server) =>
    server === 'c' ? { ...effects, snapshotsNeeded: [nodeId('a')] } : effects
  expect(() => reunite(needless)).toThrow(/^snapshot-without-need: c after a refusal of a/)
})
