// Two neighbouring releases beside one another: what they speak, what the newer one writes, what the older one refuses.

import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { unwrap } from '../../../src/model/errors.ts'
import { baseFeatureLevel, maxFeatureLevel } from '../../../src/model/feature.ts'
import { type LogIndex, logIndex } from '../../../src/model/ids.ts'
import { versions } from '../../../src/model/versions.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { encodeMetadata } from '../../../src/wire/tunnel/metadata.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { SimulatedDisk } from '../../simulation/disk.ts'
import { SeededRandom } from '../../simulation/random.ts'
import { recordLog, recordMetrics, temporaryFolder, until } from '../proxy/lab.ts'
import { genesis } from '../store/rows.ts'
import { asServer, silentLog, type TestServer } from '../store/server.ts'
import { type End, exchangeAll } from '../tunnel/memory.ts'
import * as present from './release.ts'
import { farRelease, laterRelease, type Side } from './side.ts'

let next: Side
let far: Side

beforeAll(async () => {
  next = await laterRelease(1)
  far = await farRelease()
})

const nextLevel = maxFeatureLevel + 1

/** A server of that release in a cluster that stands at the present level; what it writes goes through admission. */
function serverOf(side: Side): TestServer {
  const server = new side.TestServer()
  const command = genesis()
  if (command.type !== 'genesis') throw new Error('genesis is a genesis')
  server.applied({ ...command, settings: { ...command.settings, featureLevel: maxFeatureLevel } })
  return server
}

function write(side: Side, server: TestServer, action: 'allow' | 'deny'): void {
  const { consensus, clock, metrics, store } = server
  const admission = new side.Admission({
    consensus,
    clock,
    metrics,
    log: silentLog,
    featureLevel: () => store.view().featureLevel,
  })
  let isWritten: boolean = false
  const command = { type: 'settings.set', settings: { defaultIntentionAction: action } } as const
  admission.write(asServer, command, (result) => {
    isWritten = result.ok
  })
  clock.run(10)
  expect(isWritten).toBe(true)
}

const formOfLast = (server: TestServer): number | undefined => server.consensus.entries.at(-1)?.bytes[0]

test('a newer server writes what older ones read until all know more, and the newer form from then on', () => {
  const newer = serverOf(next)
  write(next, newer, 'allow')
  expect(formOfLast(newer)).toBe(1)
  const older = new present.TestServer()
  for (const { index, bytes } of newer.consensus.entries) older.machine.apply(logIndex(index), bytes)
  expect(older.store.view().settings()?.defaultIntentionAction).toBe('allow')
  newer.applied({ type: 'feature.raise', level: nextLevel })
  write(next, newer, 'deny')
  expect(formOfLast(newer)).toBe(2)
  expect(newer.store.view().settings()?.defaultIntentionAction).toBe('deny')
})

test('an older server stops at the entry by which the others agreed on more than it knows', () => {
  const newer = serverOf(next)
  newer.applied({ type: 'feature.raise', level: nextLevel })
  const older = new present.TestServer()
  const replay = (): void => {
    for (const { index, bytes } of newer.consensus.entries) older.machine.apply(logIndex(index), bytes)
  }
  expect(replay).toThrow(`the cluster stands at feature level ${nextLevel}, this program knows levels up to`)
  expect(older.store.view().featureLevel).toBe(maxFeatureLevel)
})

test('an entry in a newer form is refused in words, and not passed over', () => {
  const newer = serverOf(next)
  newer.applied({ type: 'feature.raise', level: nextLevel })
  write(next, newer, 'allow')
  const older = serverOf(present)
  const entry = newer.consensus.entries.at(-1)
  expect(() => older.machine.apply(logIndex(3), entry?.bytes ?? new Uint8Array(0))).toThrow(
    'log entry has command version 2, this program knows 1 to 1; run a newer version (log index 3)',
  )
})

test('snapshots go both ways while the level is the present one; above it only upwards', () => {
  const newer = serverOf(next)
  expect(restored(newer, new present.TestServer())).toBe('taken')
  expect(restored(serverOf(present), new next.TestServer())).toBe('taken')
  newer.applied({ type: 'feature.raise', level: nextLevel })
  expect(restored(newer, new next.TestServer())).toBe('taken')
  expect(restored(newer, new present.TestServer())).toBe(
    'format-too-new: the snapshot has state format 2, this program knows up to 1',
  )
})

test('a snapshot in a known form, of a cluster that agreed on more, is refused', () => {
  const server = serverOf(present)
  const raised = textOf(server).replace(
    `"featureLevel":${maxFeatureLevel}`,
    `"featureLevel":${maxFeatureLevel + 1}`,
  )
  const writer = new present.TestServer().machine.restore(logIndex(1))
  writer.write(new TextEncoder().encode(raised))
  expect(writer.finish()).toMatchObject({ ok: false, failure: { code: 'format-too-new' } })
})

function textOf(server: TestServer): string {
  const reader = server.machine.snapshot()
  let text = ''
  for (let piece = reader.next(); piece !== undefined; piece = reader.next())
    text += new TextDecoder().decode(piece)
  return text
}

function restored(from: TestServer, to: TestServer): string {
  const reader = from.machine.snapshot()
  const writer = to.machine.restore(reader.index as LogIndex)
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
  const result = writer.finish()
  return result.ok ? 'taken' : `${result.failure.code}: ${result.failure.message}`
}

test('the data directory says the newer form once the cluster agreed on it, and then refuses older programs', () => {
  const clock = new VirtualClock()
  const disk = new SimulatedDisk({ clock, random: new SeededRandom(1) })
  const writer = new next.DurableWriter({
    disk,
    clock,
    onFull: () => undefined,
    onFatal: (failure) => {
      throw new Error(failure.message)
    },
  })
  next.writeFormat(writer, () => undefined)
  clock.run(1_000)
  const server = serverOf(next)
  next.raiseFormat({ store: server.store, writer, written: 1, log: silentLog })
  clock.run(1_000)
  expect(present.readFormat(disk)).toEqual({ ok: true, value: 1 })
  server.applied({ type: 'feature.raise', level: nextLevel })
  clock.run(1_000)
  expect(next.readFormat(disk)).toEqual({ ok: true, value: 2 })
  expect(present.readFormat(disk)).toMatchObject({ ok: false, failure: { code: 'format-too-new' } })
})

test('agents and servers of neighbouring releases agree on the older one’s newest version', () => {
  expect(welcomed(present, versions.control.max + 1)).toBe(versions.control.max)
  expect(welcomed(next, versions.control.max)).toBe(versions.control.max)
  expect(welcomed(next, versions.control.max + 1)).toBe(versions.control.max + 1)
  expect(welcomed(far, versions.control.max)).toBe('version-mismatch')
})

function welcomed(side: Side, maxVersion: number): number | string | undefined {
  const server = serverOf(side)
  const agent = server.connect('n1', { hello: { minVersion: 1, maxVersion } })
  server.clock.run(10)
  const [frame] = agent.take()
  if (frame?.kind === 'welcome') return frame.linkVersion
  return frame?.kind === 'goaway' ? frame.reason.code : frame?.kind
}

test('agent and proxy of a host agree on the older one’s newest version, whichever was upgraded first', async () => {
  expect(await linked(present, next)).toBe(versions.proxyLink.max)
  expect(await linked(next, present)).toBe(versions.proxyLink.max)
  expect(await linked(next, next)).toBe(versions.proxyLink.max + 1)
})

async function linked(agent: Side, proxy: Side): Promise<unknown> {
  const folder = temporaryFolder()
  const socketPath = join(folder.path, 'link.sock')
  const clock = systemClock
  const served = { socketPath, mode: 0o660, clock, log: recordLog(), metrics: recordMetrics() }
  const link = unwrap(await agent.startProxyLink(served))
  const heard: { readonly kind?: string; readonly protocol?: number }[] = []
  const random = new SeededRandom(1)
  const hello = { socketPath, pid: 1, worker: 'w', version: 'v', clock, random, log: silentLog }
  const client = new proxy.LinkClient(hello, {
    onUp: () => undefined,
    onMessage: (message) => heard.push(message as object),
  })
  client.start()
  const welcome = await until('the welcome', () => heard.find(({ kind }) => kind === 'welcome'))
  client.stop()
  await link.close()
  folder.remove()
  return welcome.protocol
}

test('proxies of neighbouring releases open streams to one another, in the older one’s version', () => {
  expect(tunnelled(present, next)).toEqual({ versions: [1, 1], opened: 2 })
  expect(tunnelled(next, present)).toEqual({ versions: [1, 1], opened: 2 })
  expect(tunnelled(next, next)).toEqual({ versions: [2, 2], opened: 2 })
})

test('proxies without a version in common say so', () => {
  const [dialler, acceptor] = [present.makeEnd('dialler'), far.makeEnd('acceptor')]
  exchangeAll(dialler, acceptor)
  expect(dialler.events.join()).toMatch(/^over version-mismatch: this proxy speaks \d to \d$/)
  expect(acceptor.events.join()).toMatch(/^over version-mismatch/)
})

/** One stream before the other side was heard, and one after. */
function tunnelled(from: Side, to: Side): { versions: readonly number[]; opened: number } {
  const [dialler, acceptor] = [from.makeEnd('dialler'), to.makeEnd('acceptor')]
  open(dialler)
  exchangeAll(dialler, acceptor)
  open(dialler)
  exchangeAll(dialler, acceptor)
  return { versions: [dialler.session.version, acceptor.session.version], opened: acceptor.offered.length }
}

function open({ session }: End): void {
  const metadata = encodeMetadata({ source: 'web', target: 'backend', datacenter: 'dc1', instance: 'i' })
  expect(metadata).toBeDefined()
  session.open(metadata ?? Buffer.alloc(0), { onAck: () => undefined, onRefused: () => undefined })
}

test('this release speaks what the one before it spoke', () => {
  expect(versions.store[0]).toEqual({ version: 1, sinceLevel: baseFeatureLevel })
  for (const { min, max } of [versions.control, versions.proxyLink, versions.tunnel])
    expect(min).toBeLessThanOrEqual(Math.max(1, max - 1))
})
