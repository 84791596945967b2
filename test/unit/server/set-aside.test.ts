// A server that gives up its place keeps everything, and a crash midway never makes it look like one that was just let in.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { leftFile, setAside } from '../../../src/server/set-aside.ts'

const files = ['FORMAT', 'hard-state', 'cluster.json', 'server.key'] as const
const folders = ['wal', 'snapshots'] as const
const made: string[] = []

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true })
})

function serverDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mesh-set-aside-'))
  made.push(directory)
  for (const file of files) writeFileSync(join(directory, file), file)
  for (const folder of folders) mkdirSync(join(directory, folder))
  return directory
}

test('log, snapshots and admission are moved into a folder, the key stays, and a mark is left', () => {
  const directory = serverDirectory()
  const folder = setAside(directory, 'left', 0)
  for (const part of ['FORMAT', 'wal', 'snapshots', 'hard-state', 'cluster.json']) {
    expect(existsSync(join(directory, part)), part).toBe(false)
    expect(existsSync(join(directory, folder, part)), part).toBe(true)
  }
  expect(existsSync(join(directory, 'server.key'))).toBe(true)
  expect(existsSync(join(directory, leftFile))).toBe(true)
})

test.each([0, 1, 2, 3, 4])(
  'after a crash behind %i moves no admission stands beside a log that is not whole',
  (moves) => {
    const directory = serverDirectory()
    let left = moves
    const crashing = (from: Parameters<typeof renameSync>[0], to: Parameters<typeof renameSync>[1]): void => {
      if (left === 0) throw new Error('crash')
      left -= 1
      renameSync(from, to)
    }
    expect(() => setAside(directory, 'rejoin', 0, crashing)).toThrow('crash')
    const isWhole = ['FORMAT', 'wal', 'snapshots', 'hard-state'].every((part) =>
      existsSync(join(directory, part)),
    )
    expect(isWhole || !existsSync(join(directory, 'cluster.json'))).toBe(true)
    expect(existsSync(join(directory, leftFile))).toBe(true)
    setAside(directory, 'rejoin', 1)
    expect(existsSync(join(directory, 'FORMAT'))).toBe(false)
  },
)
