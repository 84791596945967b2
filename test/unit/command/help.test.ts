// What `mesh` says when it is asked for help or called wrongly: golden files, one screen each, the next line to type.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { beforeAll, expect, test } from 'vitest'
import { createProgram } from '../../../src/command/program.ts'
import { inTurn, type Run, runMesh, transcript } from './mesh-process.ts'

const golden = (name: string): string => join(import.meta.dirname, 'golden', name)

const mistakes = [
  [],
  ['servces'],
  ['intenton', 'list'],
  ['nonsense-that-is-like-nothing'],
  ['services', '-al'],
  ['services', '--al'],
  ['intention'],
  ['intention', 'alow', 'web', 'db'],
  ['intention', 'allow'],
  ['intention', 'allow', 'web'],
  ['intention', 'allow', 'web', 'db', 'x'],
  ['intention', 'allow', 'web', 'db', '-wait', 'soon'],
  ['members', '-o', 'xml'],
  ['members', '-format', 'yaml'],
  ['members', '-status', 'gone'],
  ['catalog'],
  ['catalog', 'nods'],
  ['catalog', 'nodes', '-node-meta', 'rack'],
  ['config', 'read'],
  ['config', 'read', '-kind', 'service-intention', '-name', 'x'],
  ['config', 'read', '-kind', 'service-intentions'],
  ['config', 'write', '/nonexistent.hcl'],
  ['config', 'write', 'src', '-cas'],
  ['config', 'delete', '-kind', 'service-intentions', '-name', 'x', '-modify-index', '3'],
  ['watch'],
  ['watch', '-type', 'keys'],
  ['watch', '-type', 'key'],
  ['watch', '-type', 'checks', '-service', 'web', '-state', 'any'],
  ['event'],
  ['event', '-name', 'x', '-tag', 'v1'],
  ['maint', '-enable', '-disable'],
  ['maint', '-reason', 'x'],
  ['monitor', '-log-level', 'loud'],
  ['debug', '-duration', 'soon'],
  ['debug', '-duration', '5s', '-interval', '10s'],
  ['debug', '-capture', 'logs,secrets'],
  ['completion', 'fish'],
  ['services', 'register'],
  ['services', 'register', 'web.hcl', '-port', '80'],
  ['services', 'register', '-name', 'web', '-port', 'http'],
  ['services', 'register', '-name', 'web', '-meta', 'x'],
  ['intention', 'create', 'web'],
  ['intention', 'create', 'web', 'db', '-allow', '-deny'],
  ['intention', 'match', 'web', '-source', '-destination'],
  ['apply', '-f', 'test/unit/command', '-owner', 'a b'],
  ['members', '-http-addr'],
  ['members', '-http-addr', 'https://x:1'],
  ['members', '-http-addr', 'a b'],
  ['members', '-token-file', '/nonexistent'],
  ['apply'],
  ['apply', '-f', '/nonexistent.hcl'],
  ['token', 'create', '-ttl', '1y'],
  ['token', 'create', '-service', ','],
  ['validate'],
  ['validate', '/nonexistent'],
  ['enroll', '-config-dir', '/nonexistent'],
  ['explain', 'no-tokn'],
  ['explain', 'zzz'],
  ['agent', '-config-file', '/nonexistent.hcl'],
  ['members', '-http-addr', '127.0.0.1:1'],
  ['members', '-http-addr', 'unix:///nonexistent.sock'],
]

/** Every command with its path below `mesh`, hidden ones too. */
function commandsBelow(
  command: Command,
  path: readonly string[] = [],
): readonly [readonly string[], Command][] {
  return [[path, command], ...command.commands.flatMap((sub) => commandsBelow(sub, [...path, sub.name()]))]
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (piece) => (text += piece), getOutHelpWidth: () => 80 })
  command.outputHelp()
  return text
}

const commands = commandsBelow(createProgram({ status: 0 }))
const helps = commands.map(([path, command]) => [path, helpOf(command)] as const)

let mistakeRuns: Run[]
beforeAll(async () => {
  mistakeRuns = await inTurn(mistakes.map((args) => () => runMesh(args)))
})

test('help of every command is as agreed', async () => {
  const text = helps.map(([path, help]) => `$ ${['mesh', ...path, '-help'].join(' ')}\n${help}`).join('\n')
  await expect(text).toMatchFileSnapshot(golden('help.txt'))
})

test('help of every command fits one screen of 24 lines; the list of commands 36 lines of 100 columns', () => {
  for (const [path, help] of helps) {
    const lines = help.trimEnd().split('\n')
    expect([path, lines.length <= (path.length === 0 ? 36 : 24)]).toEqual([path, true])
    expect(lines.filter((line) => line.length > (path.length === 0 ? 100 : 90))).toEqual([])
  }
})

test('the page about the command line names every command', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8')
  const top = createProgram({ status: 0 })
    .createHelp()
    .visibleCommands(createProgram({ status: 0 }))
  expect(top.map((command) => command.name()).filter((name) => !page.includes(`mesh ${name}`))).toEqual([])
})

test('help shows long flags with one dash, as they are typed', () => {
  for (const [, help] of helps) expect(help).not.toMatch(/--\w/)
})

test('wrong calls name the mistake and the line to type next', async () => {
  const text = mistakeRuns.map((run, i) => transcript(mistakes[i] ?? [], run)).join('\n')
  await expect(text).toMatchFileSnapshot(golden('mistakes.txt'))
})

test('no wrong call succeeds, writes a result, or shows a stack trace', () => {
  mistakeRuns.forEach((run, i) => {
    expect([mistakes[i], run.status === 0, run.out]).toEqual([mistakes[i], false, ''])
    expect(run.err).not.toMatch(/^\s+at /m)
  })
})

test('`mesh help X`, `mesh X -h` and `mesh X --help` are the same', async () => {
  const runs = await Promise.all(
    [
      ['help', 'members'],
      ['members', '-h'],
      ['members', '--help'],
    ].map((args) => runMesh(args)),
  )
  expect(new Set(runs.map((run) => run.out)).size).toBe(1)
})

test('version in three ways', async () => {
  const [word, flag, json] = await Promise.all(
    [['version'], ['-version'], ['version', '-o=json']].map((args) => runMesh(args)),
  )
  expect(word?.out).toMatch(/^mesh-agent \d+\.\d+\.\d+\n/)
  expect(flag?.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(JSON.parse(json?.out ?? '')).toMatchObject({ consul: '1.14.0' })
})
