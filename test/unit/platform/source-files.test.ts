import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { systemSourceFiles } from '../../../src/platform/source-files.ts'

const folders: string[] = []
const watches: { close(): void }[] = []

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mesh-source-'))
  folders.push(made)
  return made
}

function watched(paths: readonly string[]): { readonly calls: () => number } {
  let calls = 0
  watches.push(
    systemSourceFiles.watch(paths, () => {
      calls += 1
    }),
  )
  return { calls: () => calls }
}

async function changedTo(seen: { calls(): number }, least: number): Promise<void> {
  const deadlineMs = Date.now() + 20_000
  while (seen.calls() < least && Date.now() < deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(seen.calls()).toBeGreaterThanOrEqual(least)
}

/** Only the kernel's notices count: the comparison every few seconds would find each change too, but late. */
function withoutComparisons(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
}

afterEach(() => {
  for (const watch of watches.splice(0)) watch.close()
  vi.useRealTimers()
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

test('a folder gives its hcl and json files in lexical order, not deeper and nothing else', () => {
  const root = folder()
  for (const name of ['b.hcl', 'a.json', 'notes.txt', '.hidden.hcl', 'c.hcl~'])
    writeFileSync(join(root, name), name)
  mkdirSync(join(root, 'deeper.d'))
  writeFileSync(join(root, 'deeper.d/x.hcl'), 'x')
  const single = join(root, 'notes.txt')
  const { files, unreadable } = systemSourceFiles.read([root, single])
  expect(files.map(({ path, text }) => [basename(path), text])).toEqual([
    ['a.json', 'a.json'],
    ['b.hcl', 'b.hcl'],
    ['notes.txt', 'notes.txt'],
  ])
  expect(unreadable).toEqual([])
})

test('what cannot be read is named and never counts as empty', () => {
  const root = folder()
  mkdirSync(join(root, 'folder.hcl'))
  writeFileSync(join(root, 'latin1.hcl'), Uint8Array.from([0x61, 0xe9, 0x62]))
  symlinkSync(join(root, 'nowhere'), join(root, 'dangling.hcl'))
  const { files, unreadable } = systemSourceFiles.read([root, join(root, 'missing.hcl')])
  expect(files).toEqual([])
  expect(unreadable.map(({ path }) => basename(path)).sort()).toEqual([
    'dangling.hcl',
    'folder.hcl',
    'latin1.hcl',
    'missing.hcl',
  ])
})

test('a change, a new file, a removal and a replacement by renaming are noticed at once', async () => {
  withoutComparisons()
  const root = folder()
  writeFileSync(join(root, 'a.hcl'), 'one')
  const seen = watched([root])
  writeFileSync(join(root, 'a.hcl'), 'two')
  await changedTo(seen, 1)
  let before = seen.calls()
  writeFileSync(join(root, 'b.hcl'), 'new')
  await changedTo(seen, before + 1)
  before = seen.calls()
  writeFileSync(join(root, 'b.tmp'), 'newer')
  renameSync(join(root, 'b.tmp'), join(root, 'b.hcl'))
  await changedTo(seen, before + 1)
  before = seen.calls()
  rmSync(join(root, 'b.hcl'))
  await changedTo(seen, before + 1)
})

test('a single file is followed through the rename of an editor', async () => {
  withoutComparisons()
  const root = folder()
  const path = join(root, 'web.hcl')
  writeFileSync(path, 'one')
  const seen = watched([path])
  for (const text of ['two', 'three']) {
    const before = seen.calls()
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
    await changedTo(seen, before + 1)
  }
})

test('files that are no configuration do not count as a change', async () => {
  const root = folder()
  writeFileSync(join(root, 'a.hcl'), 'one')
  const seen = watched([root])
  writeFileSync(join(root, 'notes.txt'), 'x')
  writeFileSync(join(root, 'b.hcl'), 'real')
  await changedTo(seen, 1)
  // One file was made in one or two steps; the text file would have added its own.
  expect(seen.calls()).toBeLessThanOrEqual(2)
})

test('a folder that is made only later is noticed too', async () => {
  const root = folder()
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const seen = watched([join(root, 'later')])
  mkdirSync(join(root, 'later'))
  writeFileSync(join(root, 'later/a.hcl'), 'one')
  vi.advanceTimersByTime(10_000)
  expect(seen.calls()).toBe(1)
})
