// Saving and restoring the state: what a file holds, what a restore does to readers, and which files are refused.
import { expect, test } from 'vitest'
import type { Principal } from '../../../src/model/access.ts'
import type { CaRoot } from '../../../src/model/authority.ts'
import type { Command } from '../../../src/model/command.ts'
import { failed, type Result } from '../../../src/model/errors.ts'
import { logIndex } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Reply } from '../../../src/rpc/contract.ts'
import type { Written } from '../../../src/server/admission/admission.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { sealKey, unsealKey } from '../../../src/server/ca/sealing.ts'
import { RestoreFilter } from '../../../src/server/operator/restore-filter.ts'
import { SnapshotRestoring } from '../../../src/server/operator/snapshot-restoring.ts'
import { SnapshotSaving } from '../../../src/server/operator/snapshot-saving.ts'
import { Store } from '../../../src/server/store/store.ts'
import { ArchiveReader, type ArchiveSummary } from '../../../src/wire/snapshot-archive.ts'
import { generateKey } from '../../../src/wire/x509/keys.ts'
import { silentLog } from '../../simulation/servers.ts'
import { aNode, aRoot, aService, clusterId, genesis, intention, register } from '../store/rows.ts'
import { TestServer } from '../store/server.ts'

const operator: Principal = { kind: 'operator', name: 'first' }
const ownKey = new Uint8Array(32).fill(7)

const sealed = (key: Uint8Array): CaRoot => {
  const root = aRoot('service')
  return {
    ...root,
    sealedKey: sealKey(generateKey(), root.id, key, { bytes: (n) => new Uint8Array(n), fraction: () => 0 }),
  }
}

function founded(options: { readonly key?: Uint8Array; readonly id?: string } = {}): TestServer {
  const server = new TestServer()
  const first = genesis() as Extract<Command, { type: 'genesis' }>
  const settings = { ...first.settings, clusterId: options.id ?? clusterId, featureLevel: 2 }
  server.applied({ ...first, settings, roots: [sealed(options.key ?? ownKey)] })
  return server
}

function save(server: TestServer): Buffer {
  const { clock, random } = server
  const saving = new SnapshotSaving({ clock, random, server: 'server-1', version: '0.1.0' })
  const opened = saving.open(server.store.view(), 3)
  if (!opened.ok) throw new Error(opened.failure.message)
  const pieces: Uint8Array[] = []
  for (;;) {
    const piece = saving.next(opened.value.id)
    if (!piece.ok) throw new Error(piece.failure.message)
    pieces.push(piece.value.data)
    if (piece.value.isLast) return Buffer.concat(pieces)
  }
}

function inspect(bytes: Uint8Array, step = 1_000): Result<ArchiveSummary> {
  const reader = new ArchiveReader({ onOrigin: () => undefined, onState: () => undefined })
  for (let at = 0; at < bytes.length; at += step) reader.write(bytes.subarray(at, at + step))
  return reader.finish()
}

interface Restore {
  readonly result: Result<Written | true>
  readonly commands: readonly Command[]
}

/** Sends `bytes` as an operator's client does, in pieces of `step`. */
function restore(
  server: TestServer,
  bytes: Uint8Array,
  options: {
    readonly step?: number
    readonly servers?: number
    readonly key?: Uint8Array
    readonly between?: () => void
  } = {},
): Restore {
  const { clock, random } = server
  const commands: Command[] = []
  const write = (principal: Principal, command: Command, reply: Reply<Written>): void => {
    commands.push(command)
    options.between?.()
    server.admission.write(principal, command, reply)
  }
  const filter = (given: Uint8Array) =>
    new RestoreFilter(
      {
        clusterId: server.store.view().settings()?.clusterId ?? '',
        clusterKey: ownKey,
        featureLevel: server.store.view().featureLevel,
        servers: options.servers ?? 1,
        random,
      },
      given,
    )
  const restoring = new SnapshotRestoring({ write, filter, clock, random, log: silentLog })
  const opened = restoring.open(operator, options.key ?? new Uint8Array(0))
  if (!opened.ok) return { result: opened, commands }
  const { id } = opened.value
  const wait = <Value>(start: (reply: Reply<Value>) => void): Result<Value> => {
    let answer: Result<Value> | undefined
    start((result) => {
      answer = result
    })
    clock.runUntil(() => answer !== undefined, 10_000)
    return answer ?? failed('internal', 'never answered')
  }
  const step = options.step ?? 100_000
  for (let at = 0; at < bytes.length; at += step) {
    const sent = wait<true>((reply) => restoring.write(id, bytes.subarray(at, at + step), reply))
    if (!sent.ok) return { result: sent, commands }
  }
  return { result: wait<Written>((reply) => restoring.finish(id, reply)), commands }
}

const code = ({ result }: Restore): string => (result.ok ? 'ok' : result.failure.code)

function filled(server: TestServer, services = 20): TestServer {
  for (let i = 0; i < services; i++)
    server.applied(register(aNode(`node-ü-${i}`), [aService('web', { meta: { note: 'x'.repeat(100) } })]))
  server.applied(intention('web', 'db', 'allow'))
  server.applied({ type: 'kv.set', key: 'a', value: Buffer.from('old').toString('base64'), flags: '0' })
  return server
}

test('a saved file says where it is from and what is in it, and survives any cut of its bytes', () => {
  const server = filled(founded())
  const bytes = save(server)
  for (const step of [1, 7, 1_000, bytes.length]) {
    const found = inspect(bytes, step)
    expect(found.ok && found.value).toMatchObject({
      origin: { index: server.store.view().index, term: 3, clusterId, datacenter: 'dc1', program: '0.1.0' },
      tables: { nodes: { rows: 20 }, services: { rows: 20 }, intentions: { rows: 1 }, kv: { rows: 1 } },
    })
  }
})

test('a file that lacks its end, has a changed byte or something behind its end is refused', () => {
  const bytes = save(filled(founded()))
  const reason = (changed: Uint8Array): string => {
    const found = inspect(changed)
    return found.ok ? 'taken' : found.failure.code
  }
  const lines = bytes.toString().split('\n')
  expect(reason(Buffer.from(lines.slice(0, -2).join('\n')))).toBe('snapshot-damaged')
  expect(reason(bytes.subarray(0, bytes.length - 1))).toBe('snapshot-damaged')
  expect(reason(Buffer.concat([bytes, Buffer.from('{}\n')]))).toBe('snapshot-damaged')
  for (let at = 100; at < bytes.length; at += 997) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect([at, reason(changed)]).toEqual([at, 'snapshot-damaged'])
  }
  expect(reason(Buffer.from('hello\n'))).toBe('snapshot-damaged')
})

test('a restore brings the state back; rows written since are gone, and the index goes on rising', () => {
  const server = filled(founded())
  const bytes = save(server)
  server.applied(register(aNode('late'), [aService('api')]))
  server.applied({ type: 'kv.set', key: 'a', value: Buffer.from('new').toString('base64'), flags: '0' })
  const before = server.store.view().index
  const done = restore(server, bytes, { step: 3_000 })
  expect(code(done)).toBe('ok')
  const view = server.store.view()
  expect(view.index).toBeGreaterThan(before)
  expect(view.node('late')).toBeUndefined()
  expect([...view.instances('web')].length).toBe(20)
  expect(server.answer('kv.get', { key: 'a' })?.value).toBe(Buffer.from('old').toString('base64'))
  expect(view.staged).toBeUndefined()
  expect(view.rulesFor('db')).toMatchObject([{ sourceName: 'web', action: 'allow' }])
})

test('everybody who waits is answered, and no index that a reader holds lies ahead of the answer', () => {
  const server = filled(founded())
  const bytes = save(server)
  server.applied({ type: 'kv.set', key: 'a', value: Buffer.from('new').toString('base64'), flags: '0' })
  const held = server.index('kv.get', { key: 'a' })
  const waiting = server.ask('kv.get', { key: 'a' }, { minIndex: held, waitMs: 60_000 })
  const list = server.ask('catalog.services', { nodeMeta: {} }, { minIndex: held, waitMs: 60_000 })
  expect([waiting.isAnswered, list.isAnswered]).toEqual([false, false])
  expect(code(restore(server, bytes))).toBe('ok')
  server.clock.run(10)
  expect(waiting.answer?.value).toBe(Buffer.from('old').toString('base64'))
  expect(waiting.index).toBeGreaterThan(held)
  expect(list.index).toBeGreaterThan(held)
  // A reader that was between two requests asks with its old index and is answered at once as well.
  expect(server.ask('kv.get', { key: 'a' }, { minIndex: held, waitMs: 60_000 }).isAnswered).toBe(true)
  const now = server.index('kv.get', { key: 'a' })
  expect(server.ask('kv.get', { key: 'a' }, { minIndex: now, waitMs: 60_000 }).isAnswered).toBe(false)
})

test('a conditional write with an index from before the restore changes nothing', () => {
  const server = filled(founded())
  const bytes = save(server)
  const held = server.answer('kv.get', { key: 'a' })?.modifyIndex ?? 0
  restore(server, bytes)
  const late = server.write(operator, { type: 'kv.set', key: 'a', value: '', flags: '0', casIndex: held })
  expect(late.ok && late.value.value.kind).toBe('unchanged')
  const fresh = server.answer('kv.get', { key: 'a' })?.modifyIndex ?? 0
  expect(fresh).toBeLessThanOrEqual(server.store.view().index)
  const again = server.write(operator, { type: 'kv.set', key: 'a', value: '', flags: '0', casIndex: fresh })
  expect(again.ok && again.value.value.kind).toBe('done')
})

test('writes go on while a restore is under way, and every server comes to the same state', () => {
  const server = filled(founded(), 3_000)
  const bytes = save(server)
  let n = 0
  const done = restore(server, bytes, {
    between: () => server.applied(register(aNode(`meanwhile-${n++}`))),
  })
  expect(code(done)).toBe('ok')
  expect(done.commands.filter((command) => command.type === 'restore.piece').length).toBeGreaterThan(3)
  for (const command of done.commands)
    expect(JSON.stringify(command).length).toBeLessThan(limits.commandBytes)
  const other = new Machine(new Store())
  for (const { index, bytes: entry } of server.consensus.entries) other.apply(logIndex(index), entry)
  expect(other.hash()).toBe(server.machine.hash())
})

test('a server that joins in the middle by a snapshot of the log comes to the same state', () => {
  const server = filled(founded(), 3_000)
  const bytes = save(server)
  let joined: { machine: Machine; from: number } | undefined
  const done = restore(server, bytes, {
    between: () => {
      const { staged } = server.store.view()
      if (joined !== undefined || staged === undefined || staged.pieces < 2) return
      const machine = new Machine(new Store())
      const reader = server.machine.snapshot()
      const writer = machine.restore(reader.index)
      for (let piece = reader.next(); piece !== undefined; piece = reader.next()) writer.write(piece)
      expect(writer.finish().ok).toBe(true)
      expect(machine.hash()).toBe(server.machine.hash())
      joined = { machine, from: reader.index }
    },
  })
  expect(code(done)).toBe('ok')
  for (const { index, bytes: entry } of server.consensus.entries)
    if (index > (joined?.from ?? 0)) joined?.machine.apply(logIndex(index), entry)
  expect(joined?.machine.hash()).toBe(server.machine.hash())
})

test('a damaged file changes nothing, and leaves nothing behind', () => {
  const server = filled(founded())
  const bytes = save(server)
  server.applied(register(aNode('late')))
  const cut = restore(server, bytes.subarray(0, bytes.length - 10))
  expect(code(cut)).toBe('snapshot-damaged')
  server.clock.run(10)
  expect(server.store.view().node('late')).toBeDefined()
  expect(server.store.view().staged).toBeUndefined()
})

test('two restores at once: the later one wins, the earlier one is told', () => {
  const server = filled(founded())
  const bytes = save(server)
  let isFirst = true
  let second: Restore | undefined
  const first = restore(server, bytes, {
    between: () => {
      if (!isFirst || server.store.view().staged === undefined) return
      isFirst = false
      second = restore(server, bytes)
    },
  })
  expect(second === undefined ? '' : code(second)).toBe('ok')
  expect(code(first)).toBe('conflict')
})

test('keys stay sealed in the file; another cluster key is refused, and with it given they are sealed anew', () => {
  const otherKey = new Uint8Array(32).fill(9)
  const other = filled(founded({ key: otherKey, id: '99999999-2222-4333-8444-555555555555' }))
  const bytes = save(other)
  expect(bytes.toString()).not.toContain('PRIVATE KEY')
  const server = founded()
  const refused = restore(server, bytes)
  expect(code(refused)).toBe('snapshot-foreign')
  expect(refused.result.ok ? '' : refused.result.failure.message).toContain('cluster.key')
  expect(server.store.view().settings()?.clusterId).toBe(clusterId)
  expect(code(restore(server, bytes, { key: otherKey, servers: 3 }))).toBe('snapshot-foreign')
  expect(code(restore(server, bytes, { key: otherKey }))).toBe('ok')
  const [root] = server.store.view().roots('service')
  expect(unsealKey(root?.sealedKey ?? '', root?.id ?? '', ownKey).ok).toBe(true)
  expect(server.store.view().settings()?.clusterId).toBe('99999999-2222-4333-8444-555555555555')
})

test('who stops asking or sending loses the transfer', () => {
  const server = filled(founded())
  const { clock, random } = server
  const saving = new SnapshotSaving({ clock, random, server: 's', version: '1' })
  const ids = Array.from({ length: limits.snapshotTransfers }, () => saving.open(server.store.view(), 1))
  const more = saving.open(server.store.view(), 1)
  expect(more.ok ? '' : more.failure.code).toBe('overloaded')
  clock.run(limits.snapshotTransferIdleMs + 1)
  const [first] = ids
  const gone = saving.next(first?.ok ? first.value.id : '')
  expect(gone.ok ? '' : gone.failure.code).toBe('not-found')
  expect(saving.open(server.store.view(), 1).ok).toBe(true)
})
