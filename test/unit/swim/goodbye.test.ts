// Goodbyes of members: told again to those that missed them, and forgotten when an operator says so.
import { expect, test } from 'vitest'
import type { Alive, GossipMessage } from '../../../src/model/gossip-message.ts'
import { noBytes } from '../../../src/model/gossip-message.ts'
import type { SwimEvent } from '../../../src/swim/effects.ts'
import { LocalView } from '../../../src/swim/local-view.ts'
import { lanParameters } from '../../../src/swim/parameters.ts'
import { Swim } from '../../../src/swim/swim.ts'
import { SeededRandom } from '../../simulation/random.ts'

const record = (node: string, port: number): Alive => ({
  type: 'alive',
  incarnation: 3,
  node,
  address: '10.0.0.1',
  port,
  meta: noBytes,
  versions: [1, 5, 5, 2, 5, 5],
})
const from = { address: '10.0.0.1', port: 2 }

/** A member that knows `other`, alive, and `gone`, which has said goodbye; what it tells from then on. */
function memberWithGoodbye() {
  const told: GossipMessage[] = []
  const events: SwimEvent['type'][] = []
  const random = new SeededRandom(1)
  const options = {
    parameters: lanParameters,
    self: record('self', 1),
    random: () => random.fraction(),
    admits: () => true,
  }
  const effects = {
    send: (_to: unknown, messages: readonly GossipMessage[]) => void told.push(...messages),
    pingByStream: () => undefined,
    exchange: () => undefined,
    notify: (event: SwimEvent) => void events.push(event.type),
  }
  const swim = new Swim(new LocalView(options, effects, 0))
  const hear = (...messages: GossipMessage[]): void => swim.step(nowMs, { type: 'packet', from, messages })
  let nowMs = 0
  /** Until there is nothing to tell any more. */
  const settle = (): void => {
    while (swim.queued > 0) {
      nowMs += 100
      swim.step(nowMs, { type: 'tick' })
      for (const message of told)
        if (message.type === 'ping')
          swim.step(nowMs, {
            type: 'packet',
            from,
            messages: [{ type: 'ack', sequence: message.sequence, payload: noBytes }],
          })
    }
    told.length = 0
  }
  hear(record('other', 2), record('gone', 3))
  hear({ type: 'dead', incarnation: 3, node: 'gone', from: 'gone' })
  settle()
  const tick = (): void => {
    nowMs += 1_000
    swim.step(nowMs, { type: 'tick' })
  }
  return { swim, told, events, hear, tick }
}

test.each(['suspect', 'dead'] as const)('a goodbye is told again to whoever calls the member %s', (type) => {
  const { swim, told, hear, tick } = memberWithGoodbye()
  hear({ type, incarnation: 3, node: 'gone', from: 'other' })
  tick()
  expect(told).toContainEqual({ type: 'dead', incarnation: 3, node: 'gone', from: 'gone' })
  expect(swim.member('gone')?.status).toBe('left')
})

test.each([2, 4])('but not where the accusation is of incarnation %d, another life of it', (incarnation) => {
  const { told, hear, tick } = memberWithGoodbye()
  hear({ type: 'dead', incarnation, node: 'gone', from: 'other' })
  tick()
  expect(told.filter((message) => message.type === 'dead')).toEqual([])
})

test('one that is gone can be forgotten, one that lives cannot', () => {
  const { swim, events } = memberWithGoodbye()
  swim.step(20_000, { type: 'forget', node: 'other' })
  swim.step(20_000, { type: 'forget', node: 'self' })
  swim.step(20_000, { type: 'forget', node: 'gone' })
  expect(swim.member('gone')).toBeUndefined()
  expect(swim.member('other')).toBeDefined()
  expect(events.filter((type) => type === 'reaped')).toHaveLength(1)
})
