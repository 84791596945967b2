import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createStateFiles } from '../../../src/platform/state-files.ts'

const folders: string[] = []
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mesh-state-'))
  folders.push(made)
  return made
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

test('a file is replaced whole, private by default, and folders are made for it', () => {
  const root = folder()
  const files = createStateFiles(join(root, 'agent'))
  expect(files.write('services/a.json', bytes('first'))).toBeUndefined()
  expect(files.write('services/a.json', bytes('second'))).toBeUndefined()
  const path = join(root, 'agent/services/a.json')
  expect(readFileSync(path, 'utf8')).toBe('second')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(join(root, 'agent')).mode & 0o777).toBe(0o700)
  expect(new TextDecoder().decode(files.read('services/a.json'))).toBe('second')
})

test('the mode is the one asked for, whatever the umask and whatever a crash left behind', () => {
  const root = folder()
  const files = createStateFiles(root)
  writeFileSync(join(root, 'shared.unfinished'), 'half of an old one', { mode: 0o600 })
  expect(files.write('shared', bytes('x'), { mode: 0o664 })).toBeUndefined()
  expect(statSync(join(root, 'shared')).mode & 0o777).toBe(0o664)
  expect(readFileSync(join(root, 'shared'), 'utf8')).toBe('x')
})

test('what was being written when the process died is not listed', () => {
  const root = folder()
  const files = createStateFiles(root)
  files.write('d/b.json', bytes('b'))
  files.write('d/a.json', bytes('a'))
  writeFileSync(join(root, 'd/c.json.unfinished'), 'half')
  expect(files.list('d')).toEqual(['a.json', 'b.json'])
  expect(files.list('nowhere')).toEqual([])
  expect(readdirSync(join(root, 'd'))).toContain('c.json.unfinished')
})

test('removing twice is no error, and a missing file reads as undefined', () => {
  const files = createStateFiles(folder())
  files.write('a', bytes('x'), { durable: false })
  expect(files.remove('a')).toBeUndefined()
  expect(files.remove('a')).toBeUndefined()
  expect(files.remove('no/such/folder')).toBeUndefined()
  expect(files.read('a')).toBeUndefined()
})

test('a write that fails says why and leaves the old content', () => {
  const root = folder()
  const files = createStateFiles(root)
  files.write('d/a', bytes('old'))
  // A folder in the way of the unfinished file, which fails for root too.
  const inTheWay = createStateFiles(join(root, 'd'))
  inTheWay.write('a.unfinished/x', bytes(''))
  expect(files.write('d/a', bytes('new'))).toMatchObject({
    code: 'io',
    message: expect.stringContaining('a.unfinished'),
  })
  expect(readFileSync(join(root, 'd/a'), 'utf8')).toBe('old')
})

test('a path that leaves the folder is a mistake of the program', () => {
  const files = createStateFiles(folder())
  expect(() => files.read('../etc/passwd')).toThrow('broken invariant')
  expect(() => files.write('/etc/passwd', bytes(''))).toThrow('broken invariant')
})
