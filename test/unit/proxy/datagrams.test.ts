// Datagrams through two real proxies: every client gets its own answers, denied ones get none, flows end and are bounded.
import dgram from 'node:dgram'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import { Balancers } from '../../../src/proxy/balance/balancers.ts'
import { ConnectionBudget } from '../../../src/proxy/lifecycle/budget.ts'
import type { ListenerContext } from '../../../src/proxy/listener/context.ts'
import { OutboundDatagrams } from '../../../src/proxy/listener/outbound-datagrams.ts'
import { createAccessLog } from '../../../src/proxy/telemetry/access-log.ts'
import { PairCounters } from '../../../src/proxy/telemetry/counters.ts'
import { TestAuthority } from './authority.ts'
import {
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  type LabHost,
  outbound,
  policy,
  recordLog,
  startHost,
  startService,
  temporaryFolder,
  until,
} from './lab.ts'
import { virtualClock } from './virtual-clock.ts'

const authority = new TestAuthority()
const folder = temporaryFolder()
const clients: Client[] = []
let near: LabHost
let far: LabHost
let service: DatagramEcho
let upstreamPort: number
let publicPort: number

/** A UDP socket that remembers what it got. */
class Client {
  readonly answers: string[] = []
  readonly socket = dgram.createSocket('udp4')

  constructor() {
    this.socket.on('message', (bytes) => this.answers.push(bytes.toString()))
    clients.push(this)
  }

  say(text: string | Buffer, port = upstreamPort): void {
    this.socket.send(text, port, '127.0.0.1')
  }

  answered(count: number): Promise<readonly string[]> {
    return until(`${count} answers`, () => this.answers.length >= count && this.answers)
  }
}

/** Answers every datagram with itself and the port that it came from. */
class DatagramEcho {
  readonly ports = new Set<number>()
  received = 0
  port = 0
  readonly socket = dgram.createSocket('udp4')

  async start(): Promise<this> {
    this.socket.on('message', (bytes, from) => {
      this.received += 1
      this.ports.add(from.port)
      this.socket.send(bytes, from.port, from.address)
    })
    await new Promise<void>((resolve) => {
      this.socket.bind(0, '127.0.0.1', resolve)
    })
    this.port = this.socket.address().port
    return this
  }
}

const farResources = (
  more: Parameters<typeof inbound>[3] = {},
  action: 'allow' | 'deny' = 'allow',
  index = 1,
) => [
  authority.rootsResource(),
  authority.leafResource('backend'),
  policy('backend', action, [], index),
  inbound('backend', publicPort, service.port, { localUdpPort: service.port, ...more }),
]

const nearResources = (): readonly ProxyResource[] => [
  authority.rootsResource(),
  authority.leafResource('web'),
  endpoints('backend', [endpoint('beta/backend', publicPort)]),
  outbound('web', 'backend', upstreamPort, { protocol: 'udp' }),
]

beforeAll(async () => {
  service = await new DatagramEcho().start()
  ;[upstreamPort, publicPort] = [await freePort(), await freePort()]
})

beforeEach(async () => {
  ;[near, far] = await Promise.all([startHost(folder.path), startHost(folder.path)])
  await far.publish(farResources())
  await near.publish(nearResources())
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.close()
  await Promise.all([near.stop(), far.stop()])
})

afterAll(() => {
  service.socket.close()
  folder.remove()
})

const dropped = (host: LabHost): number =>
  host.worker.counters.all().reduce((sum, pair) => sum + (pair.datagrams?.dropped ?? 0), 0)

test('datagrams keep their borders and their clients, whatever their length', async () => {
  const [one, other] = [new Client(), new Client()]
  const long = 'x'.repeat(20_000)
  const longest = 'y'.repeat(65_507)
  for (const text of ['a', '', 'bb', long, longest]) one.say(text)
  other.say('other')
  expect(await other.answered(1)).toEqual(['other'])
  const answers = await one.answered(5)
  expect(answers.map(({ length }) => length)).toEqual([1, 0, 2, 20_000, 65_507])
  expect(answers.every((answer) => ['a', '', 'bb', long, longest].includes(answer))).toBe(true)
  // The service saw two clients, each from a port of its own.
  expect(service.ports.size).toBe(2)
})

test('pairs are counted, with datagrams and bytes, on both hosts', async () => {
  const client = new Client()
  client.say('12345')
  await client.answered(1)
  const wanted = {
    source: 'web',
    destination: 'backend',
    connections: 1,
    bytesToDestination: 5,
    bytesToSource: 5,
    datagrams: { toDestination: 1, toSource: 1, dropped: 0 },
  }
  await until(
    'the metric',
    () =>
      far.metrics.value('mesh_proxy_datagrams_to_source_total', {
        direction: 'inbound',
        source: 'web',
        destination: 'backend',
      }) === 1,
  )
  expect(near.worker.counters.all()).toMatchObject([{ direction: 'outbound', ...wanted }])
  expect(far.worker.counters.all()).toMatchObject([{ direction: 'inbound', ...wanted }])
})

test('a denial cuts flows and lets no datagram through, and an allowance lets them through again', async () => {
  const client = new Client()
  client.say('before')
  await client.answered(1)
  await far.publish(farResources({}, 'deny', 2))
  const before = service.received
  await until('the end of the flow', () => far.worker.counters.all()[0]?.refusals['denied-by-default'])
  client.say('denied')
  new Client().say('denied too')
  await until('a refusal of the new client', () => near.log.refusals('denied-by-default').length > 0)
  expect(service.received).toBe(before)
  await far.publish(farResources({}, 'allow', 3))
  await until('an answer', () => {
    client.say('again')
    return client.answers.includes('again')
  })
})

test('a service that takes no datagrams is not sent any, and the code says so', async () => {
  const tcpOnly = await startService()
  const { localUdpPort: _, ...without } = inbound('backend', publicPort, tcpOnly.port)
  await far.publish([...farResources().slice(0, 3), without])
  const client = new Client()
  client.say('hello')
  await until('a refusal', () => near.log.refusals('no-datagrams').length > 0)
  client.say('hello again')
  await until('the second one dropped', () => dropped(near) === 2)
  expect(far.log.refusals('no-datagrams')).toHaveLength(1)
  await tcpOnly.close()
})

test('nobody at the service’s port ends the flow with a code, and a service that comes later is reached', async () => {
  const port = await freePort()
  await far.publish(farResources({ localUdpPort: port }))
  const client = new Client()
  client.say('hello')
  await until('the end of the flow', () =>
    far.log.lines.some(
      ({ message, code }) => message === 'connection ended' && code === 'local-connect-failed',
    ),
  )
  const late = dgram.createSocket('udp4')
  late.on('message', (bytes, from) => late.send(`late ${bytes}`, from.port, from.address))
  await new Promise<void>((resolve) => {
    late.bind(port, '127.0.0.1', resolve)
  })
  await until('an answer', () => {
    client.say('hello')
    return client.answers.includes('late hello')
  })
  late.close()
})

test('TCP and UDP to one service stand on one port beside each other', async () => {
  const tcp = await startService()
  await far.publish(farResources({ localPort: tcp.port }))
  await near.publish([
    ...nearResources().slice(0, 3),
    outbound('web', 'backend', upstreamPort),
    outbound('web', 'backend', upstreamPort, { name: 'web-sidecar-proxy/backend+udp', protocol: 'udp' }),
  ])
  const client = new Client()
  client.say('datagram')
  expect(await client.answered(1)).toEqual(['datagram'])
  expect(await exchange(upstreamPort, 'bytes')).toBe('bytes')
  await tcp.close()
})

/** The time of the machine, which a test can put forward. */
class LeapingClock implements Clock {
  private leaptMs = 0
  private timers: { readonly dueMs: number; readonly callback: () => void }[] = []
  private readonly interval = setInterval(() => this.fire(), 5)

  monotonicMs = (): number => performance.now() + this.leaptMs
  wallMs = (): number => Date.now()

  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { dueMs: this.monotonicMs() + delayMs, callback }
    this.timers.push(timer)
    return {
      cancel: () => {
        this.timers = this.timers.filter((each) => each !== timer)
      },
    }
  }

  leap(ms: number): void {
    this.leaptMs += ms
  }

  stop(): void {
    clearInterval(this.interval)
  }

  private fire(): void {
    const due = this.timers.filter(({ dueMs }) => dueMs <= this.monotonicMs())
    this.timers = this.timers.filter((timer) => !due.includes(timer))
    for (const { callback } of due) callback()
  }
}

test('a flow that is silent ends, one in use does not, and the service’s side ends with it', async () => {
  const clock = new LeapingClock()
  const host = await startHost(folder.path, { clock })
  const port = await freePort()
  await host.publish([...nearResources().slice(0, 3), outbound('web', 'backend', port, { protocol: 'udp' })])
  const [silent, busy] = [new Client(), new Client()]
  silent.say('once', port)
  busy.say('first', port)
  await Promise.all([silent.answered(1), busy.answered(1)])
  clock.leap(limits.datagramIdleMs - 5_000)
  busy.say('second', port)
  await busy.answered(2)
  expect(host.worker.connections()).toBe(2)
  clock.leap(6_000)
  await until('the end of the silent one', () => host.worker.connections() === 1)
  const ended = (of: LabHost) => of.log.lines.filter(({ message }) => message === 'connection ended')
  await until('the end at the service', () => ended(far).length === 1)
  const wanted = { protocol: 'udp', code: 'closed', bytesToDestination: 4, bytesToSource: 4 }
  expect([...ended(host), ...ended(far)]).toMatchObject([wanted, wanted])
  busy.say('third', port)
  expect(await busy.answered(3)).toEqual(['first', 'second', 'third'])
  await host.stop()
  clock.stop()
})

/** A context in which the stream of every flow is asked for, and no answer comes. */
function contextThatNeverAnswers(clock: Clock, counters: PairCounters, asked: { count: number }) {
  const outbounds = new Map([
    ['web/backend', outbound('web', 'backend', 1, { name: 'web/backend', protocol: 'udp' })],
  ])
  const instances = endpoints('backend', [endpoint('beta/backend', 1)])
  const context = {
    clock,
    counters,
    budget: new ConnectionBudget(limits.connectionsPerWorker),
    accessLog: createAccessLog({ log: recordLog(), counters, clock, file: undefined }),
    balancers: new Balancers({
      clock,
      random: { bytes: () => new Uint8Array(1), fraction: () => 0 },
      log: recordLog(),
    }),
    sessions: {
      transport: () => ({
        open: () => {
          asked.count += 1
          return { cancel: () => {} }
        },
      }),
    },
    tables: () => ({
      outbounds,
      identities: new Map([['web', {}]]),
      endpoints: new Map([['backend', instances]]),
    }),
  }
  return { context: context as unknown as ListenerContext, upstream: 'web/backend' }
}

test('flows are bounded: one client more takes the place of the longest silent one', () => {
  const clock = virtualClock()
  const counters = new PairCounters()
  const context = {
    clock,
    counters,
    budget: new ConnectionBudget(limits.connectionsPerWorker),
    accessLog: createAccessLog({ log: recordLog(), counters, clock, file: undefined }),
    tables: () => ({ outbounds: new Map() }),
  } as unknown as ListenerContext
  const listener = new OutboundDatagrams(context, () => 'gone')
  const say = (port: number): boolean =>
    listener.server.emit('message', Buffer.from('x'), { address: '127.0.0.1', port, family: 'IPv4', size: 1 })
  for (let port = 1; port <= limits.datagramFlows; port += 1) say(port)
  const atLimit = listener.count()
  for (let port = 1; port <= 100; port += 1) say(10_000 + port)
  expect([atLimit, listener.count()]).toEqual([limits.datagramFlows, limits.datagramFlows])
  listener.leave()
  expect(listener.count()).toBe(0)
})

test('what waits for streams that are being opened is bounded over all clients', () => {
  const clock = virtualClock()
  const counters = new PairCounters()
  const asked = { count: 0 }
  const { context, upstream } = contextThatNeverAnswers(clock, counters, asked)
  const listener = new OutboundDatagrams(context, () => upstream)
  const payload = Buffer.alloc(60_000)
  const clients = Math.ceil((2 * limits.datagramsHeldInAllBytes) / payload.length)
  for (let port = 1; port <= clients; port += 1)
    listener.server.emit('message', payload, {
      address: '127.0.0.1',
      port,
      family: 'IPv4',
      size: payload.length,
    })
  expect(asked.count).toBe(clients)
  const kept = clients - (counters.all()[0]?.datagrams?.dropped ?? 0)
  expect(kept).toBe(Math.floor(limits.datagramsHeldInAllBytes / payload.length))
  listener.cut('closed')
  listener.leave()
})

test('a forged packet from port 0, where nobody can be answered, opens no flow', () => {
  const asked = { count: 0 }
  const { context, upstream } = contextThatNeverAnswers(virtualClock(), new PairCounters(), asked)
  const listener = new OutboundDatagrams(context, () => upstream)
  const say = (port: number): boolean =>
    listener.server.emit('message', Buffer.from('x'), { address: '127.0.0.1', port, family: 'IPv4', size: 1 })
  say(0)
  expect([listener.count(), asked.count]).toEqual([0, 0])
  say(1)
  expect([listener.count(), asked.count]).toEqual([1, 1])
  listener.cut('closed')
  listener.leave()
})
