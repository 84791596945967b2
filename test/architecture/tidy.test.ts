// The style that a machine can hold: sizes, names, words that say "unfinished", a header for every file.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSources, root } from './sources.ts'

const sources = readSources()
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')

test('no source file is over 400 lines', () => {
  expect(sources.filter((file) => file.lines > 400).map((file) => `${file.path}: ${file.lines}`)).toEqual([])
})

test('no file or folder has a name that says nothing', () => {
  expect(tracked.filter((path) => /(^|\/)(utils?|helpers?|common|misc|manager)(\/|\.)/.test(path))).toEqual(
    [],
  )
})

test('every source file starts with a comment that says what it is', () => {
  const bare = sources.filter((file) => !/^(#!.*\n)?\/[/*]/.test(file.text) && !/ids\.ts$/.test(file.path))
  expect(bare.map((file) => file.path)).toEqual([])
})

test('nothing is left for later', () => {
  const unfinished = /\b(TODO|FIXME|XXX|HACK|not implemented|for now|stub)\b/i
  const bad = sources.flatMap((file) =>
    file.text.split('\n').flatMap((line, i) => (unfinished.test(line) ? [`${file.path}:${i + 1}`] : [])),
  )
  expect(bad).toEqual([])
})

test('tests run in full: none is alone or still to be written', () => {
  const marker = /\b(it|test|describe)\.(only|todo)\b/
  const tests = tracked.filter((path) => /^test\/.*\.ts$/.test(path) && existsSync(join(root, path)))
  expect(tests.filter((path) => marker.test(readFileSync(join(root, path), 'utf8')))).toEqual([])
})
