/**
 * An operator who denies something and asks until it is enforced everywhere. When a server says "n of n", every proxy of
 * an agent at that server must refuse the call, and must go on refusing it until a later rule says otherwise.
 */
import { decide } from '../../src/model/intention.ts'
import type { ReadAnswer } from '../../src/model/query.ts'
import type { Written } from '../../src/server/admission/admission.ts'
import { defaultActionOf } from '../../src/server/events/contents.ts'
import { type SimulatedAgent, serviceNames } from './agent.ts'
import type { Calls } from './calls.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer, World } from './server.ts'
import { hold } from './violation.ts'

const source = 'intruder'
const askEveryMs = 300
const asksMax = 20
/** Longer than a server takes to find a stalled stream dead. */
const settledAfterMs = 60_000

export interface DenialPorts {
  readonly world: World
  readonly calls: Calls
  readonly random: SeededRandom
  readonly agents: readonly SimulatedAgent[]
}

export class Denials {
  readonly #ports: DenialPorts

  constructor(ports: DenialPorts) {
    this.#ports = ports
  }

  /** Allows or denies, and follows a denial until it is enforced or time is up. */
  act(): void {
    const { calls, random } = this.#ports
    const server = calls.pick()
    if (server === undefined) return
    const destination = random.pick(serviceNames)
    const action = random.chance(0.3) ? 'allow' : 'deny'
    calls.call<Written>(
      server,
      { kind: 'write', timeoutMs: 5_000 },
      (rooms, reply) => {
        rooms.admission.write(
          { kind: 'server', node: 'sim' },
          {
            type: 'intention.upsert',
            id: `${source}-${destination}`,
            sourceName: source,
            destinationName: destination,
            action,
            description: '',
            meta: {},
          },
          reply,
        )
        return undefined
      },
      (result) => {
        if (result.ok && action === 'deny')
          this.#ask(random.chance(0.5) ? server : calls.pick(), destination, result.value.index, 0)
      },
    )
  }

  #ask(server: SimulatedServer | undefined, destination: string, index: number, asks: number): void {
    const { world, calls } = this.#ports
    if (server === undefined || asks >= asksMax) return
    const options = { consistency: 'stale', minIndex: 0, waitMs: 0 } as const
    calls.call<ReadAnswer<'intentions.enforcement'>>(
      server,
      { kind: 'read', timeoutMs: 5_000 },
      (rooms, reply) => {
        const request = {
          name: 'intentions.enforcement',
          args: { destination, index },
          options,
          token: '',
        } as const
        return rooms.reader.read(request, (result) => {
          // What counts is the moment at which the server says it.
          if (result.ok) this.#judge(server, destination, index, result.value)
          reply(result)
        }).cancel
      },
      () => {
        world.clock.after(askEveryMs, () => this.#ask(server, destination, index, asks + 1))
      },
    )
  }

  #judge(
    server: SimulatedServer,
    destination: string,
    index: number,
    { answer: { enforced, total } }: ReadAnswer<'intentions.enforcement'>,
  ): void {
    const { world, agents } = this.#ports
    const { store, rooms } = server
    if (enforced < total || total === 0 || store === undefined || rooms === undefined) return
    const view = store.view()
    const places = new Set(Array.from(view.meshPlaces(destination), ({ node }) => node))
    hold(
      total >= places.size,
      'enforcement',
      () => `${server.id} counts ${total} proxies of ${destination}, the catalog has ${places.size}`,
    )
    world.reached.hit('deny enforced everywhere')
    for (const agent of agents) {
      const isHere = agent.server === server && rooms.hub.isPresent(agent.name) && agent.process !== undefined
      if (!isHere || !places.has(agent.name)) continue
      const { proxy, restartedMs } = agent
      // What the server counts was said a moment ago; since then the host may have given the service up, or restarted.
      const changedMs = Math.max(restartedMs, proxy?.droppedMs(destination) ?? Number.NEGATIVE_INFINITY)
      if (proxy === undefined || world.clock.monotonicMs() - changedMs < settledAfterMs) continue
      const table = proxy.table(destination)
      const truth = world.truth.viewAt(Math.max(table?.index ?? 0, index))
      const isAllowed = decide(
        truth.rulesFor(destination),
        source,
        destination,
        defaultActionOf(truth),
      ).allowed
      hold(
        isAllowed || proxy.decision(source, destination) === 'deny',
        'enforcement',
        () =>
          `${server.id} says that the denial at ${index} for ${destination} is enforced by ${enforced} of ${total}, and ${agent.name} enforces index ${table?.index ?? 'none'}`,
      )
    }
  }
}
