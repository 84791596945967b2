// `mesh kv` as a process against a real API server with the server's own store behind it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operatorToken } from '../api/fake-cluster.ts'
import { startTestApi, type TestApi } from '../api/fixture.ts'
import { type Run, runMesh, transcript } from './mesh-process.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  api = await startTestApi()
  folder = mkdtempSync(join(tmpdir(), 'mesh-kv-'))
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

const kv = (args: readonly string[], input = ''): Promise<Run> =>
  runMesh(['kv', ...args], { env: { MESH_HTTP_ADDR: api.url, MESH_TOKEN: operatorToken }, input })

test('writing, reading, listing and deleting is as agreed', async () => {
  const calls = [
    ['list'],
    ['put', 'app/color', 'blue'],
    ['get', 'app/color'],
    ['get', 'app/color', '-o', 'json'],
    ['get', 'app'],
    ['get', 'nothing'],
    ['put', 'app/color', 'red', '-cas', '0'],
    ['put', 'app/color', 'red', '-cas', '999'],
    ['put', 'app/color', 'red', '-cas', '11', '-flags', '18446744073709551615'],
    ['put', 'app/bytes', 'AP8=', '-base64'],
    ['put', 'app/bytes', '*', '-base64'],
    ['put', 'app/more', 'x', '-flags', 'many'],
    ['put', 'app/empty'],
    ['put', 'root', 'x'],
    ['list'],
    ['list', '-separator', '/'],
    ['list', 'app/', '-long'],
    ['list', 'none'],
    ['delete', 'root'],
    ['delete', 'root'],
    ['delete', 'app/color', '-cas', '3'],
    ['delete', 'app/', '-recurse', '-cas', '3'],
    ['delete', 'app/', '-recurse'],
    ['delete', 'app/', '-recurse'],
  ]
  const runs: Run[] = []
  for (const args of calls) runs.push(await kv(args))
  const text = runs.map((run, i) => transcript(['kv', ...(calls[i] ?? [])], run)).join('\n')
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, 'golden', 'kv.txt'))
}, 60_000)

test('a value is read from a file or from standard input, and comes back byte for byte', async () => {
  const path = join(folder, 'value')
  writeFileSync(path, 'line\nwith no end')
  expect((await kv(['put', 'file', `@${path}`])).status).toBe(0)
  expect((await kv(['get', 'file'])).out).toBe('line\nwith no end')
  expect((await kv(['put', 'stream', '-'], 'from a pipe\n')).status).toBe(0)
  expect((await kv(['get', 'stream'])).out).toBe('from a pipe\n')
  const missing = await kv(['put', 'file', '@/nonexistent/value'])
  expect([missing.status, missing.err.includes('/nonexistent/value cannot be read')]).toEqual([1, true])
})

test('an export is imported to the same store, flags and all, and a broken one not at all', async () => {
  await kv(['put', 'exp/a b', 'ü', '-flags', '3304740253564472344'])
  await kv(['put', 'exp/none'])
  const exported = await kv(['export', 'exp/'])
  expect(exported.out).toContain('"flags": 3304740253564472344')
  const path = join(folder, 'export.json')
  writeFileSync(path, exported.out)
  await kv(['delete', 'exp/', '-recurse'])
  const imported = await kv(['import', path])
  expect([imported.status, imported.out]).toEqual([0, 'Imported: exp/a b\nImported: exp/none\n'])
  expect((await kv(['export', 'exp/'])).out).toBe(exported.out)
  const broken = readFileSync(path, 'utf8').replace('"key": "exp/none"', '"key": ""')
  await kv(['delete', 'exp/', '-recurse'])
  const refused = await kv(['import', '-'], broken)
  expect([refused.status, refused.err]).toEqual([1, expect.stringContaining('entry 2 has no key')])
  expect((await kv(['list', 'exp/'])).out).toBe('')
})
