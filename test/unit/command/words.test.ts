// The small pure parts of the command line: arguments, tables, guesses, addresses.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { normaliseArguments } from '../../../src/command/arguments.ts'
import { findToken, parseAddress, tokenScope } from '../../../src/command/connection.ts'
import { systemReason } from '../../../src/command/failure.ts'
import { nearest } from '../../../src/command/nearest.ts'
import { formatTable } from '../../../src/command/table.ts'

test.each([
  [
    ['-config-dir', 'x'],
    ['--config-dir', 'x'],
  ],
  [['-config-dir=x'], ['--config-dir=x']],
  [
    ['-o', 'json'],
    ['-o', 'json'],
  ],
  [['-o=json'], ['-ojson']],
  [
    ['--dry-run', '-q', '-', '-1', '-1s'],
    ['--dry-run', '-q', '-', '-1', '-1s'],
  ],
  [
    ['-f', '-'],
    ['-f', '-'],
  ],
  [
    ['a', '--', '-config-dir'],
    ['a', '--', '-config-dir'],
  ],
])('%j is read as %j', (given, expected) => {
  expect(normaliseArguments(given)).toEqual(expected)
})

test('a table is as wide as its cells, has no trailing blanks, and shows empty cells and control characters safely', () => {
  expect(
    formatTable(
      ['name', 'tags'],
      [
        ['web', ''],
        ['ünï', 'a\u001b[31m\n'],
        ['x', 'long tag list'],
      ],
    ),
  ).toEqual(['NAME  TAGS', 'web   -', 'ünï   a?[31m?', 'x     long tag list'])
  expect(formatTable(['name'], [])).toEqual(['NAME'])
})

test.each([
  ['servces', 'services'],
  ['SERVICES', 'services'],
  ['mebmers', 'members'],
  ['zzzz', undefined],
  ['', undefined],
])('%s was probably meant to be %s', (word, expected) => {
  expect(nearest(word, ['services', 'members', 'intention'])).toBe(expected)
})

test.each([
  ['10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 8500 }],
  ['http://host:81/', { kind: 'tcp', host: 'host', port: 81 }],
  ['[::1]:8500', { kind: 'tcp', host: '::1', port: 8500 }],
  ['unix:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
])('%s is an address', (text, expected) => {
  expect(parseAddress(text)).toEqual(expected)
})

test.each(['https://h', 'h:0', 'h:70000', '::1', 'a b', ''])('%s is no address', (text) => {
  expect(() => parseAddress(text)).toThrow(/no TLS|no address/)
})

test('a token that lies on this machine is not offered to another one', () => {
  const data = mkdtempSync(join(tmpdir(), 'mesh-words-'))
  try {
    mkdirSync(join(data, 'server'))
    writeFileSync(join(data, 'server/operator.token'), 'found\n')
    const token = (address: string, environment: Record<string, string> = {}): string =>
      findToken({}, { MESH_DATA_DIR: data, ...environment }, tokenScope(parseAddress(address)))
    for (const near of ['127.0.0.2', 'localhost', '[::1]:8500', 'unix:///run/x.sock'])
      expect(token(near)).toBe('found')
    for (const far of ['10.0.0.1', 'agent.example:8500']) {
      expect(token(far)).toBe('')
      expect(token(far, { MESH_TOKEN: 'meant' })).toBe('meant')
    }
  } finally {
    rmSync(data, { recursive: true })
  }
})

test('a system error is told without its code', () => {
  expect(systemReason(new Error("ENOENT: no such file or directory, open '/x'"))).toBe(
    'no such file or directory',
  )
  expect(systemReason('odd')).toBe('odd')
})
