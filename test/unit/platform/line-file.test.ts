// A file that lines are appended to, as a log rotation and a broken disk see it.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { openLineFile } from '../../../src/platform/line-file.ts'
import type { LineFile } from '../../../src/platform/ports.ts'
import { RecordingLog } from '../agent/fakes.ts'
import { until } from '../proxy/lab.ts'

const log = { current: new RecordingLog() }
const at = { folder: '', path: '' }

beforeEach(() => {
  log.current = new RecordingLog()
  at.folder = mkdtempSync(join(tmpdir(), 'mesh-lines-'))
  at.path = join(at.folder, 'access.log')
})

afterEach(() => {
  rmSync(at.folder, { recursive: true, force: true })
})

const open = () => openLineFile({ path: at.path, clock: systemClock, log: log.current })
const closed = (file: LineFile) => new Promise<void>((resolve) => file.close(resolve))
const linesOf = (path: string): readonly string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1)

test('lines come soon, in order and whole, also those of two processes in one file', async () => {
  const [one, other] = [open(), open()]
  for (let i = 0; i < 5_000; i += 1) {
    one.append(`one ${i}`)
    other.append(`other ${i}`)
  }
  await until('all lines', () => linesOf(at.path).length === 10_000)
  const got = linesOf(at.path)
  for (const name of ['one', 'other'])
    expect(got.filter((line) => line.startsWith(`${name} `))).toEqual(
      Array.from({ length: 5_000 }, (_, i) => `${name} ${i}`),
    )
  await closed(one)
  await closed(other)
})

test('after a rename, lines from before the reopening are in the old file and later ones in a new one', async () => {
  const file = open()
  file.append('before')
  renameSync(at.path, `${at.path}.1`)
  file.append('renamed already')
  file.reopen()
  file.append('after')
  await until('the new line', () => {
    try {
      return linesOf(at.path).length === 1
    } catch {
      return false
    }
  })
  expect(linesOf(`${at.path}.1`)).toEqual(['before', 'renamed already'])
  expect(linesOf(at.path)).toEqual(['after'])
  await closed(file)
})

test('closing writes what is left and tells when it is there', async () => {
  const file = open()
  for (let i = 0; i < 3_000; i += 1) file.append('x'.repeat(100))
  file.append('last')
  await closed(file)
  expect([linesOf(at.path).length, linesOf(at.path).at(-1)]).toEqual([3_001, 'last'])
})

test('lines beyond what may wait are dropped, and the file says how many', async () => {
  const file = open()
  const line = 'x'.repeat(1_000)
  const fit = Math.floor(limits.lineFileWaitingChars / line.length)
  // The first piece is handed to the disk and waits no more; nothing else is before this turn ends.
  for (let i = 0; i < fit * 2; i += 1) file.append(line)
  await until('the rest', () => linesOf(at.path).some((each) => each.startsWith('{"droppedLines":')))
  const [told] = linesOf(at.path).filter((each) => each.startsWith('{'))
  const written = linesOf(at.path).length - 1
  expect(JSON.parse(told ?? '')).toEqual({ droppedLines: fit * 2 - written })
  await closed(file)
})

test('a file that cannot be opened costs its lines and one word in the log, and comes back', async () => {
  at.path = join(at.folder, 'later', 'access.log')
  const file = open()
  file.append('lost')
  file.reopen()
  expect(log.current.lines.map(({ level }) => level)).toEqual(['error'])
  mkdirSync(join(at.folder, 'later'))
  chmodSync(join(at.folder, 'later'), 0o700)
  file.append('found')
  await until('the line', () => {
    try {
      return linesOf(at.path).length === 2
    } catch {
      return false
    }
  })
  expect(linesOf(at.path)).toEqual(['found', '{"droppedLines":1}'])
  await closed(file)
})
