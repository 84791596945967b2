// Snapshots that are cut, damaged or from the future must leave the old state standing.
import { expect, test } from 'vitest'
import { logIndex } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { Store } from '../../../src/server/store/store.ts'
import { aNode, aService, genesis, intention, register } from './rows.ts'
import { TestServer } from './server.ts'

function filled(nodes = 3): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  for (let i = 0; i < nodes; i++)
    server.applied(register(aNode(`node-ü-${i}`), [aService('web', { meta: { note: 'x'.repeat(100) } })]))
  server.applied(intention('web', 'db', 'allow'))
  return server
}

function bytesOf(server: TestServer): Buffer {
  const reader = server.machine.snapshot()
  const pieces: Uint8Array[] = []
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) pieces.push(piece)
  return Buffer.concat(pieces)
}

function restoreInto(machine: Machine, bytes: Uint8Array) {
  const writer = machine.restore(logIndex(99))
  writer.write(bytes)
  return writer.finish()
}

test('pieces are bounded, and entries applied meanwhile are not in them', () => {
  const server = filled(5_000)
  const before = server.machine.hash()
  const reader = server.machine.snapshot()
  expect(reader.index).toBe(server.store.view().index)
  const pieces: Uint8Array[] = []
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) {
    pieces.push(piece)
    server.applied(register(aNode(`later-${pieces.length}`)))
  }
  expect(pieces.length).toBeGreaterThan(4)
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(limits.snapshotPieceChars * 1.4)
  const other = new Machine(new Store())
  expect(restoreInto(other, Buffer.concat(pieces)).ok).toBe(true)
  expect(other.hash()).toBe(before)
  expect(other.hash()).not.toBe(server.machine.hash())
})

test('the restored state stands at the index that it was restored at and takes further entries', () => {
  const server = filled()
  const store = new Store()
  const machine = new Machine(store)
  expect(restoreInto(machine, bytesOf(server)).ok).toBe(true)
  expect(store.view().index).toBe(99)
  expect([...store.view().instances('web')].length).toBe(3)
  expect(store.view().indexOf([])).toBe(0)
})

test('a snapshot cut off at any line is refused and changes nothing', () => {
  const whole = bytesOf(filled())
  const target = filled(1)
  const before = target.machine.hash()
  for (let at = 0; at < whole.length; at++) {
    if (whole[at] !== 0x0a || at === whole.length - 1) continue
    const result = restoreInto(target.machine, whole.subarray(0, at + 1))
    expect(result.ok ? 'taken' : result.failure.code).toBe('log-damaged')
  }
  const middle = restoreInto(target.machine, whole.subarray(0, whole.length - 5))
  expect(middle.ok).toBe(false)
  expect(target.machine.hash()).toBe(before)
})

test('damage inside, lines after the end and foreign files are refused with what is wrong', () => {
  const text = bytesOf(filled()).toString()
  const target = filled(1)
  const reason = (changed: string): string => {
    const result = restoreInto(target.machine, Buffer.from(changed))
    return result.ok ? 'taken' : `${result.failure.code}: ${result.failure.message}`
  }
  expect(reason(text.replace('["nodes"', '["moons"'))).toContain('unknown table "moons"')
  expect(reason(text.replace('{"name"', '{"name'))).toContain('log-damaged')
  expect(reason(`${text}["nodes",{}]\n`)).toContain('lines after its end')
  expect(reason('{"format":"something-else","version":1}\n')).toContain('does not start with the header')
  expect(reason(text.replace('"version":1', '"version":2'))).toContain('format-too-new')
})
