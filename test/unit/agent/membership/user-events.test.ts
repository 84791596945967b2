// Events for all hosts: fired by one, kept by those whom the filters mean, in Consul's form on the wire.
import { expect, test } from 'vitest'
import { HostEvents } from '../../../../src/agent/membership/user-events.ts'
import type { Pool } from '../../../../src/membership/pool.ts'
import { ok, unwrap } from '../../../../src/model/errors.ts'
import type { EventDraft } from '../../../../src/model/fired-event.ts'
import { limits } from '../../../../src/model/limits.ts'
import { decodeFiredEvent, encodeFiredEvent } from '../../../../src/wire/gossip/fired-event.ts'
import { eventIndex } from '../../../../src/wire/http-json/event.ts'
import { World } from '../../membership/pools.ts'
import { aService } from '../../store/rows.ts'

const nothing = new Uint8Array()
const draft = (more: Partial<EventDraft>): EventDraft => ({
  ...{ name: 'deploy', payload: nothing, nodeFilter: '', serviceFilter: '', tagFilter: '' },
  ...more,
})

interface Place {
  readonly node: string
  readonly services: readonly (readonly [name: string, tags: readonly string[]])[]
}

const eventsOf = (world: World, pool: Pool, { node, services }: Place): HostEvents =>
  new HostEvents({
    node,
    random: world.random,
    membership: { pool: () => ok(pool), onEvent: (listener) => void pool.onEvent(listener) },
    registry: {
      services: () =>
        services.map(([name, tags]) => ({
          service: aService(name, { tags }),
          source: 'file' as const,
          synced: true,
        })),
    },
  })

function threeHosts(): { readonly world: World; readonly events: readonly HostEvents[] } {
  const world = new World()
  const pools = world.formed(3)
  const places: readonly Place[] = [
    { node: 'node-1', services: [] },
    { node: 'node-2', services: [['web', ['v1']]] },
    { node: 'node-3', services: [['web-canary', ['v2', 'beta']]] },
  ]
  return { world, events: places.map((place, i) => eventsOf(world, pools[i]?.pool as Pool, place)) }
}

test.each([
  [{}, [true, true, true]],
  [{ nodeFilter: '-[12]$' }, [true, true, false]],
  [{ serviceFilter: '^web' }, [false, true, true]],
  [{ serviceFilter: '^web$' }, [false, true, false]],
  [{ serviceFilter: 'web', tagFilter: '^v2$' }, [false, false, true]],
  [{ serviceFilter: 'web', nodeFilter: 'node-2' }, [false, true, false]],
] as const)('an event with %j reaches those that it means', (filters, reached) => {
  const { world, events } = threeHosts()
  const fired = unwrap(events[0]?.fire(draft({ ...filters, payload: Buffer.from('1.2.3') })) ?? ok(undefined))
  world.clock.run(5_000)
  expect(events.map((one) => one.recent().some(({ id }) => id === fired?.id))).toEqual(reached)
  for (const one of events)
    for (const heard of one.recent()) expect(Buffer.from(heard.payload).toString()).toBe('1.2.3')
})

test('what cannot be meant or sent is refused where it is fired', () => {
  const { events } = threeHosts()
  const [first] = events
  for (const [wrong, message] of [
    [{ name: '' }, /Missing name/],
    [{ tagFilter: 'v1' }, /without service filter/],
    [{ nodeFilter: '(' }, /Invalid node filter/],
    [{ payload: new Uint8Array(600) }, /512/],
  ] as const)
    expect(first?.fire(draft(wrong))).toMatchObject({ failure: { message: expect.stringMatching(message) } })
  expect(first?.recent()).toEqual([])
})

test('only the newest are kept, and each wakes who waits', () => {
  const { events } = threeHosts()
  const [first] = events
  let woken = 0
  first?.onChange(() => {
    woken += 1
  })
  const count = limits.userEventsKept + 3
  for (let i = 0; i < count; i++) first?.fire(draft({ name: `e${i}` }))
  expect(woken).toBe(count)
  expect(first?.recent()).toHaveLength(limits.userEventsKept)
  expect(first?.recent().at(-1)?.name).toBe(`e${count - 1}`)
  expect(first?.recent()[0]?.name).toBe('e3')
})

/** As Consul's agents send it: a Go struct with short names, empty fields left out. */
const consuls =
  '84a24944d92432643636383164312d353632332d343365302d386461342d643430356632623633646633a16ea66465706c6f79a170c405312e322e33a17601'

test('an event of a Consul agent is understood, and ours has the same form', () => {
  const payload = new Uint8Array(Buffer.from(consuls, 'hex'))
  const event = decodeFiredEvent({ name: 'consul:event:deploy', payload, time: 7 })
  expect(event).toEqual({
    id: '2d6681d1-5623-43e0-8da4-d405f2b63df3',
    name: 'deploy',
    payload: new Uint8Array(Buffer.from('1.2.3')),
    ...{ nodeFilter: '', serviceFilter: '', tagFilter: '', version: 1, time: 7 },
  })
  if (event === undefined) return
  const again = decodeFiredEvent({ name: 'consul:event:deploy', payload: encodeFiredEvent(event), time: 7 })
  expect(again).toEqual(event)
  expect(decodeFiredEvent({ name: 'deploy', payload, time: 7 })).toBeUndefined()
})

test('the index of an event is a number that every client holds exactly, and never 0', () => {
  expect(eventIndex({ id: '00000000-0000-0000-0000-000000000000' })).toBe(1)
  const index = eventIndex({ id: '2d6681d1-5623-43e0-8da4-d405f2b63df3' })
  expect(Number.isSafeInteger(index)).toBe(true)
  expect(eventIndex({ id: '2d6681d1-5623-43e0-8da4-d405f2b63df4' })).not.toBe(index)
})
