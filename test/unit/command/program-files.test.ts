// Which files further processes of a program are started from, in a package and in a source tree.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { programFiles } from '../../../src/command/program-files.ts'

let folder: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mesh-files-')))
  mkdirSync(join(folder, 'versions/1'), { recursive: true })
  writeFileSync(join(folder, 'versions/1/main.js'), '')
  symlinkSync('versions/1', join(folder, 'current'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('in a package they stay behind the link, so that a swapped link counts for whatever starts next', () => {
  writeFileSync(join(folder, 'versions/1/node'), '')
  expect(programFiles(join(folder, 'current/main.js'), '/usr/bin/node')).toEqual({
    node: join(folder, 'current/node'),
    entry: join(folder, 'current/main.js'),
  })
})

test('without a Node.js beside it the program is run by the same one, and links are resolved', () => {
  expect(programFiles(join(folder, 'current/main.js'), '/usr/bin/node')).toEqual({
    node: '/usr/bin/node',
    entry: join(folder, 'versions/1/main.js'),
  })
})
