/**
 * One host with the agent's real registry, anti-entropy, control stream and views. Its state files outlive its processes.
 * It registers and deregisters a few services by itself; the catalog must follow.
 */

import { ControlStream } from '../../src/agent/control/control-stream.ts'
import { ViewStore } from '../../src/agent/control/view-store.ts'
import { AntiEntropy } from '../../src/agent/registry/anti-entropy.ts'
import { LocalState } from '../../src/agent/registry/local-state.ts'
import type { Principal } from '../../src/model/access.ts'
import { failed } from '../../src/model/errors.ts'
import type { Node } from '../../src/model/node.ts'
import { meshNameOf } from '../../src/model/service.ts'
import type { Subject } from '../../src/model/topic.ts'
import type { AgentFrame, FrameStream, Reply, ServerClient, ServerFrame } from '../../src/rpc/contract.ts'
import { checkOf, definitionOf, ttlProbe } from '../unit/agent/fakes.ts'
import { type Calls, surelyNotMade } from './calls.ts'
import { FrameChecker } from './checks/frames.ts'
import { ViewChecker } from './checks/views.ts'
import { SimulatedFiles } from './files.ts'
import { MachineClock, SimulatedProcess } from './process.ts'
import { SimulatedProxy } from './proxy.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedServer, World } from './server.ts'
import { noMetrics, silentLog } from './servers.ts'
import { type StreamPair, streamPair } from './streams.ts'
import { kinds } from './trace.ts'

/** Services that agents run; few, so that several hosts run the same. */
export const serviceNames = ['web', 'api', 'db', 'cache'] as const

const callTimeoutMs = 10_000
const attemptsMax = 4
/** Share of view changes after which the whole view is compared; all are compared in the end. */
const comparedShare = 0.05

export class SimulatedAgent {
  readonly name: string
  readonly number: number
  readonly node: Node
  readonly principal: Principal
  readonly clock: MachineClock
  readonly #world: World
  readonly #calls: Calls
  readonly #random: SeededRandom
  readonly #files = new SimulatedFiles()
  process: SimulatedProcess | undefined
  registry: LocalState | undefined
  views: ViewStore | undefined
  control: ControlStream | undefined
  proxy: SimulatedProxy | undefined
  checker: ViewChecker | undefined
  #sync: AntiEntropy | undefined
  /** The stream that is open now, and the server at its other end. */
  pair: StreamPair<AgentFrame, ServerFrame> | undefined
  server: SimulatedServer | undefined
  /** Whether the stream is stalled: the agent cannot know yet. */
  isStalled: boolean = false
  /** When the present process took over from one that is gone; the first one took over from nobody. */
  restartedMs = Number.NEGATIVE_INFINITY

  constructor(world: World, calls: Calls, number: number, random: SeededRandom) {
    this.#world = world
    this.#calls = calls
    this.#random = random
    this.number = number
    this.name = `n${number}`
    const id = `id-of-${this.name}`
    this.node = { id, name: this.name, address: '10.0.1.1', datacenter: 'dc1', taggedAddresses: {}, meta: {} }
    this.principal = { kind: 'host', node: this.name, nodeId: id, services: ['*'] }
    this.clock = new MachineClock(world.knobs.faults.has('clock-rate') ? 0.9 + random.fraction() * 0.2 : 1)
  }

  start(): void {
    if (this.process !== undefined) return
    const process = new SimulatedProcess(this.#world.clock, this.clock, (error) => {
      throw error
    })
    this.process = process
    if (this.registry !== undefined) this.restartedMs = this.#world.clock.monotonicMs()
    this.#note('starts', 1)
    process.run(() => this.#open(process))
  }

  /** The host loses power. */
  crash(): void {
    if (this.process === undefined) return
    this.#note('crashes', 0)
    this.process.kill()
    this.process = undefined
    this.pair?.left.abandon()
    this.#files.crash(this.#random)
  }

  /** Registers, deregisters or reports, as its services come and go. */
  act(): void {
    const { registry, process } = this
    if (registry === undefined || process === undefined) return
    process.run(() => {
      const name = this.#random.pick(serviceNames)
      const known = registry.service(name)
      if (known === undefined || this.#random.chance(0.3)) {
        const port = this.#random.between(8_000, 8_003)
        const checks = [checkOf(`check-${name}`, { probe: ttlProbe(1e9) })]
        registry.register(definitionOf(name, { service: { port }, checks, sidecar: {} }), {
          source: 'api',
          replaceChecks: false,
        })
      } else if (this.#random.chance(0.25)) registry.deregister(name)
      else {
        const status = this.#random.pick(['passing', 'passing', 'warning', 'critical'] as const)
        registry.updateTtl(`check-${name}`, status, '')
      }
    })
  }

  /** Compares every live or remembered view with the truth. */
  compareAll(): void {
    for (const subject of this.wanted()) {
      const view = this.views?.view(subject)
      if (view !== undefined) this.checker?.compare(view)
    }
  }

  /** What this host follows: rules of what it serves, and where it could call. */
  wanted(): readonly Subject[] {
    const keys = this.#served()
    return [
      ...Array.from(keys, (key): Subject => ({ topic: 'intentions', key })),
      { topic: 'roots', key: '' },
      { topic: 'mesh-health', key: serviceNames[this.number % 4] ?? '' },
      { topic: 'service-health', key: serviceNames[(this.number + 1) % 4] ?? '' },
    ]
  }

  #open(process: SimulatedProcess): void {
    const { knobs, truth } = this.#world
    const ports = { clock: process, random: this.#random.fork(), log: silentLog, metrics: noMetrics }
    const registry = new LocalState({
      ...ports,
      node: this.name,
      files: this.#files,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '10.0.1.1',
      scripts: { everywhere: false, files: false },
    })
    this.registry = registry
    const client = this.#client(process)
    this.#sync = new AntiEntropy({
      ...ports,
      rows: registry.rows,
      node: this.node,
      client,
      checkUpdateIntervalMs: 300_000,
      clusterSize: () => knobs.agents,
    })
    const views = new ViewStore({ ...ports, files: this.#files })
    this.views = views
    const checker = new ViewChecker(this.name, truth, knobs.limits.bodiesPerEvent !== undefined)
    this.checker = checker
    views.onChange((subject) => {
      const view = views.view(subject)
      if (view === undefined) return
      checker.moved(view)
      if (this.#random.chance(comparedShare)) checker.compare(view)
    })
    this.proxy = new SimulatedProxy({
      process,
      random: this.#random.fork(),
      views,
      nowMs: () => this.#world.clock.monotonicMs(),
      onEnforced: (byDestination) => this.control?.enforced(byDestination),
    })
    const who = { node: this.name, nodeId: this.node.id, version: '0.1.0' }
    const onUp = (): void => this.#sync?.serverUp()
    this.control = new ControlStream({ ...ports, ...who, client, views, onUp })
    registry.onChange(() => this.#want())
    registry.load()
    this.#want()
    this.control.start()
    this.#sync.start()
  }

  #want(): void {
    this.views?.want(this.wanted())
    this.proxy?.serve(this.#served())
  }

  #served(): ReadonlySet<string> {
    const names = this.registry?.services().map(({ service }) => meshNameOf(service)) ?? []
    return new Set(names.filter((name) => name !== ''))
  }

  #client(process: SimulatedProcess): Pick<ServerClient, 'read' | 'write' | 'control'> {
    return {
      read: (request, reply) => {
        this.#try(process, reply, (server, then) =>
          this.#calls.call(
            server,
            { kind: 'read', timeoutMs: callTimeoutMs },
            (rooms, answer) => rooms.reader.read(request, answer).cancel,
            then,
          ),
        )
        return { cancel: () => undefined }
      },
      write: ({ command }, reply) =>
        this.#try(process, reply, (server, then) =>
          this.#calls.call(
            server,
            { kind: 'write', timeoutMs: callTimeoutMs },
            (rooms, answer) => {
              rooms.admission.write(this.principal, command, answer)
              return undefined
            },
            then,
          ),
        ),
      control: () => this.#stream(process),
    }
  }

  /** One server after the other while it is sure that nothing was done. */
  #try<Value>(
    process: SimulatedProcess,
    reply: Reply<Value>,
    attempt: (server: SimulatedServer, then: Reply<Value>) => void,
  ): void {
    let attempts = 0
    const ask = (server: SimulatedServer | undefined): void => {
      attempts += 1
      const answer: Reply<Value> = (result) => {
        const again = !result.ok && surelyNotMade(result.failure) && attempts < attemptsMax
        if (again)
          process.after(50, () => ask(server === undefined ? this.#calls.pick() : this.#calls.next(server)))
        else process.run(() => reply(result))
      }
      if (server === undefined) process.after(50, () => answer(failed('no-server', 'no server runs')))
      else attempt(server, answer)
    }
    ask(this.#calls.pick())
  }

  #stream(process: SimulatedProcess): FrameStream<AgentFrame, ServerFrame> {
    const { clock, reached, trace } = this.#world
    const pair = streamPair<AgentFrame, ServerFrame>({
      clock,
      delayMs: this.#calls.delayMs(),
      bytesOf: frameBytes,
    })
    const checker = new FrameChecker(this.name, reached)
    this.pair = pair
    this.isStalled = false
    this.server = this.#calls.pick()
    const { server } = this
    if (server === undefined) process.after(50, () => pair.cut())
    else clock.after(this.#calls.delayMs(), () => acceptStream(server, this.principal, pair))
    return inProcess(pair.left, process, {
      closed: () => {
        if (this.pair === pair && this.isStalled) reached.hit('stream found silent')
      },
      sent: (frame) => checker.sent(frame),
      received: (frame) => {
        checker.received(frame)
        trace.event(
          kinds.frame,
          this.number,
          'index' in frame ? frame.index : 0,
          () => `${this.name} <- ${server?.id} ${describeFrame(frame)}`,
        )
      },
    })
  }

  #note(what: string, code: number): void {
    this.#world.trace.event(kinds.agent, this.number, code, () => `${this.name} ${what}`)
  }
}

function acceptStream(
  server: SimulatedServer,
  principal: Principal,
  pair: StreamPair<AgentFrame, ServerFrame>,
): void {
  const { process, rooms } = server
  if (process === undefined || rooms === undefined || process.isPaused) {
    pair.cut()
    return
  }
  server.streams.add(pair.right)
  const stream = inProcess(pair.right, process, { closed: () => server.streams.delete(pair.right) })
  process.run(() => rooms.hub.open(principal, stream))
}

interface Tap<Out, In> {
  readonly sent?: (frame: Out) => void
  readonly received?: (frame: In) => void
  readonly closed?: () => void
}

/** The stream as one process has it: it hears nothing after its death. */
function inProcess<Out, In>(
  stream: FrameStream<Out, In>,
  process: SimulatedProcess,
  tap: Tap<Out, In>,
): FrameStream<Out, In> {
  return {
    send: (frame) => {
      tap.sent?.(frame)
      stream.send(frame)
    },
    queuedBytes: () => stream.queuedBytes(),
    end: () => stream.end(),
    destroy: (reason) => stream.destroy(reason),
    listen: (listener) =>
      stream.listen({
        onFrame: (frame) => {
          tap.received?.(frame)
          process.run(() => listener.onFrame(frame))
        },
        onDrain: () => process.run(() => listener.onDrain()),
        onClose: (reason) => {
          tap.closed?.()
          process.run(() => listener.onClose(reason))
        },
      }),
  }
}

/** About what a frame is on the wire; counting it exactly would cost more than everything else. */
function frameBytes(frame: unknown): number {
  return typeof frame === 'object' && frame !== null && 'bodies' in frame && Array.isArray(frame.bodies)
    ? 64 + 512 * frame.bodies.length
    : 64
}

function describeFrame(frame: ServerFrame): string {
  switch (frame.kind) {
    case 'event':
      return `event ${frame.subject.topic}/${frame.subject.key} at ${frame.index}, ${frame.bodies.length} bodies`
    case 'snapshot-begin':
      return `snapshot-begin ${frame.subject.topic}/${frame.subject.key}`
    case 'snapshot-end':
      return `snapshot-end ${frame.subject.topic}/${frame.subject.key} at ${frame.index}`
    case 'goaway':
      return `goaway: ${frame.reason.message}`
    case 'welcome':
    case 'pong':
    case 'servers':
    case 'gossip-keys':
      return frame.kind
  }
}
