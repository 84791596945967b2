// Servers as the control stream sees them: every stream that was opened, what came on it, and a way to answer.
import { ControlStream } from '../../../../src/agent/control/control-stream.ts'
import { ViewStore } from '../../../../src/agent/control/view-store.ts'
import type { Check, CheckStatus } from '../../../../src/model/check.ts'
import type { ServiceEntry } from '../../../../src/model/service.ts'
import type { EventBody, Subject } from '../../../../src/model/topic.ts'
import type { AgentFrame, FrameStream, ServerFrame } from '../../../../src/rpc/contract.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { SeededRandom } from '../../../simulation/random.ts'
import { type StreamPair, streamPair } from '../../../simulation/streams.ts'
import { MemoryStateFiles, RecordingLog, RecordingMetrics, serviceOf } from '../fakes.ts'

export const health = (key: string): Subject => ({ topic: 'mesh-health', key })
export const intentions = (key: string): Subject => ({ topic: 'intentions', key })

export class ServerEnd {
  readonly received: AgentFrame[] = []
  readonly openedAtMs: number
  closed: boolean = false
  #pair: StreamPair<AgentFrame, ServerFrame>

  constructor(pair: StreamPair<AgentFrame, ServerFrame>, openedAtMs: number, answersPings: boolean) {
    this.#pair = pair
    this.openedAtMs = openedAtMs
    pair.right.listen({
      onFrame: (frame) => {
        this.received.push(frame)
        if (frame.kind === 'ping' && answersPings) this.send({ kind: 'pong', nonce: frame.nonce })
      },
      onDrain: () => undefined,
      onClose: () => {
        this.closed = true
      },
    })
  }

  send(...frames: readonly ServerFrame[]): void {
    for (const frame of frames) this.#pair.right.send(frame)
  }

  welcome(server = 's1'): void {
    this.send({ kind: 'welcome', server, version: '0.1.0', linkVersion: 1 })
  }

  snapshot(subject: Subject, index: number, ...bodies: readonly EventBody[]): void {
    this.send({ kind: 'snapshot-begin', subject })
    for (const body of bodies) this.send({ kind: 'event', subject, index, bodies: [body] })
    this.send({ kind: 'snapshot-end', subject, index })
  }

  event(subject: Subject, index: number, ...bodies: readonly EventBody[]): void {
    this.send({ kind: 'event', subject, index, bodies })
  }

  cut(): void {
    this.#pair.cut()
  }

  /** Frames of these kinds, without the noise of pings. */
  frames(...kinds: readonly AgentFrame['kind'][]): readonly AgentFrame[] {
    return this.received.filter((frame) => kinds.includes(frame.kind))
  }
}

export class Agent {
  readonly clock: VirtualClock
  readonly log = new RecordingLog()
  readonly metrics = new RecordingMetrics()
  readonly files: MemoryStateFiles
  readonly views: ViewStore
  readonly control: ControlStream
  readonly streams: ServerEnd[] = []
  readonly ups: string[] = []
  readonly servers: (readonly string[])[] = []
  readonly gossipKeys: (readonly string[])[] = []
  evictions = 0
  sentAway = 0
  answersPings: boolean = true

  constructor(
    options: { readonly files?: MemoryStateFiles; readonly clock?: VirtualClock; seed?: number } = {},
  ) {
    this.clock = options.clock ?? new VirtualClock()
    this.files = options.files ?? new MemoryStateFiles()
    const { clock, log, metrics, files } = this
    this.views = new ViewStore({ files, clock, log, metrics })
    this.control = new ControlStream({
      client: { control: () => this.#open() },
      views: this.views,
      node: 'n1',
      nodeId: 'id-1',
      version: '0.1.0',
      clock,
      random: new SeededRandom(options.seed ?? 3),
      log,
      metrics,
      onUp: (server) => this.ups.push(server),
      onServers: (addresses) => this.servers.push(addresses),
      onGossipKeys: (keys) => this.gossipKeys.push(keys),
      onEvicted: () => {
        this.evictions += 1
      },
      onSentAway: () => {
        this.sentAway += 1
      },
    })
  }

  #open(): FrameStream<AgentFrame, ServerFrame> {
    const pair = streamPair<AgentFrame, ServerFrame>({ clock: this.clock, delayMs: 1 })
    this.streams.push(new ServerEnd(pair, this.clock.monotonicMs(), this.answersPings))
    return pair.left
  }

  get server(): ServerEnd {
    const last = this.streams.at(-1)
    if (last === undefined) throw new Error('no stream was opened')
    return last
  }

  /** Starts and lets a server take the stream. */
  connect(): ServerEnd {
    this.control.start()
    this.clock.run(5)
    this.server.welcome()
    this.clock.run(5)
    return this.server
  }

  /** Ids of the instances in a view, in order. */
  instances(service: string): readonly string[] | undefined {
    return this.views
      .view(health(service))
      ?.bodies.flatMap((body) =>
        'entry' in body ? [`${body.entry.node.name}/${body.entry.service.id}`] : [],
      )
  }
}

export function entryOf(
  node: string,
  service: string,
  more: {
    readonly checks?: readonly Partial<Check>[]
    readonly service?: Partial<ServiceEntry['service']>
  } = {},
): ServiceEntry {
  const rowIndexes = { createIndex: 1, modifyIndex: 1 }
  const address = `10.0.0.${node.replace(/\D/g, '') || '1'}`
  const blank = { node, notes: '', output: '', serviceId: '', serviceName: '', serviceTags: [] } as const
  return {
    node: { id: '', name: node, address, datacenter: 'dc1', taggedAddresses: {}, meta: {}, ...rowIndexes },
    service: { ...serviceOf(service, { port: 21_000 }), ...more.service, ...rowIndexes },
    checks: (more.checks ?? []).map((check, i) => ({
      ...blank,
      checkId: `c${i}`,
      name: `c${i}`,
      status: 'passing' as CheckStatus,
      type: '' as const,
      interval: '',
      timeout: '',
      ...rowIndexes,
      ...check,
    })),
  }
}

export const upsert = (
  node: string,
  service: string,
  more: Parameters<typeof entryOf>[2] = {},
): EventBody => ({
  topic: 'mesh-health',
  op: 'upsert',
  entry: entryOf(node, service, more),
})

export const remove = (node: string, serviceId: string): EventBody => ({
  topic: 'mesh-health',
  op: 'remove',
  node,
  serviceId,
})

export const rules = (defaultAction: 'allow' | 'deny', ...sources: readonly string[]): EventBody => ({
  topic: 'intentions',
  defaultAction,
  rules: sources.map((sourceName) => ({ sourceName, destinationName: 'web', action: 'allow' })),
})
