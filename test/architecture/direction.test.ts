// Holds the house of the design: who may import whom, where no promise may be, and the folder graph as a golden file.
import { expect, test } from 'vitest'
import { lineAt, readSources, type SourceFile, walk } from './sources.ts'

const sources = readSources()

/** Rooms in order; each may import itself and the rooms named. `platform/ports.ts` and `model` may be named by all. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: ['model', 'wire'],
  raft: ['model'],
  swim: ['model'],
  wire: ['model'],
  platform: ['model'],
  rpc: ['model', 'wire'],
  membership: ['model', 'wire', 'swim', 'rpc'],
  server: ['model', 'config', 'raft', 'wire', 'rpc', 'membership'],
  agent: ['model', 'config', 'wire', 'rpc', 'membership'],
  proxy: ['model', 'config', 'wire', 'rpc'],
  command: ['model', 'config', 'wire', 'rpc', 'server', 'agent', 'proxy', 'platform'],
  'main.ts': ['command', 'platform'],
}

/** Composition roots: the only files below command/ and main.ts that may name adapters of platform/. */
const isStartFile = (path: string): boolean => /(^|\/)start(-[a-z]+)?\.ts$/.test(path)

/** One simulated event must not cost a real turn of the event loop. */
const synchronous =
  /^(model|raft|swim|server\/(store|apply|events|consensus|queries|sessions|leader)|agent\/(registry|control|plan)|proxy\/(policy|route|balance))(\/|\.)/

const roomOf = (path: string): string => path.split('/')[0] ?? path

function importViolations(file: SourceFile): readonly string[] {
  const room = roomOf(file.path)
  const allowed = mayImport[room]
  if (allowed === undefined) return [`src/${file.path}:1 stands in no room of the design`]
  const bad: string[] = []
  for (const { target, line } of file.imports) {
    const at = `src/${file.path}:${line} imports ${target}`
    const targetRoom = roomOf(target)
    if (target.startsWith('node:')) {
      if (/^(model|raft|swim|config)$/.test(room)) bad.push(at)
    } else if (targetRoom === 'platform') {
      const named = target === 'platform/ports.ts' && room !== 'model' && room !== 'raft' && room !== 'swim'
      if (!(named || room === 'platform' || isStartFile(file.path) || allowed.includes('platform')))
        bad.push(at)
    } else if (targetRoom in mayImport && targetRoom !== room && !allowed.includes(targetRoom)) bad.push(at)
  }
  return bad
}

test('imports follow the direction of the design', () => {
  expect(sources.flatMap(importViolations)).toEqual([])
})

test('no promise in the synchronous rooms', () => {
  const bad: string[] = []
  for (const file of sources)
    if (synchronous.test(file.path))
      walk(file.program, (node) => {
        const isAsync = node['async'] === true || node.type === 'AwaitExpression'
        const isPromise = node.type === 'Identifier' && node['name'] === 'Promise'
        if (isAsync || isPromise)
          bad.push(`src/${file.path}:${lineAt(file.text, node.start ?? 0)} uses a promise`)
      })
  expect(bad).toEqual([])
})

test('clocks, randomness and timers come from ports', () => {
  const banned = /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|process\.env)\b/
  const bad: string[] = []
  for (const file of sources) {
    if (/^(platform|command|main)/.test(file.path) || isStartFile(file.path)) continue
    file.text.split('\n').forEach((text, number) => {
      const code = text.replace(/^\s*(\/\/|\*|\/\*).*/, '')
      if (banned.test(code)) bad.push(`src/${file.path}:${number + 1} ${code.trim()}`)
    })
  }
  expect(bad).toEqual([])
})

/** The one document that few ask for. The package keeps the files of a version as long as a process runs from them. */
const mayLoadLater = ['agent/api/openapi.ts']

test('programs load their code when they start, not when an upgrade may have taken it away', () => {
  const lazy = sources.filter(
    ({ path, text }) =>
      !/^(command\/|main\.ts)/.test(path) && !mayLoadLater.includes(path) && /\bimport\(/.test(text),
  )
  expect(lazy.map((file) => `src/${file.path}`)).toEqual([])
})

test('the folder graph is the one that was agreed', async () => {
  const folderOf = (path: string): string =>
    path.includes('/') ? path.split('/').slice(0, -1).join('/') : path
  const edges = new Map<string, Set<string>>()
  for (const file of sources) {
    const from = folderOf(file.path)
    for (const { target } of file.imports) {
      if (!(roomOf(target) in mayImport)) continue
      const to = folderOf(target)
      if (to === from) continue
      edges.set(from, (edges.get(from) ?? new Set()).add(to))
    }
  }
  const lines = [...edges].sort().map(([from, to]) => `${from} -> ${[...to].sort().join(' ')}`)
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('./folders.golden.txt')
})
