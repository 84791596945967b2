// The manual pages: one for each command and key, that say what help and the configuration's reader say, without a complaint.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../../packaging/bundle.ts'
import { keysOf } from '../../../packaging/man/configuration.ts'
import { manualPages } from '../../../packaging/man/pages.ts'
import { settings } from '../../../packaging/man/settings.ts'
import { createProgram } from '../../../src/command/program.ts'
import { agentSchema } from '../../../src/config/agent-schema.ts'
import { debianProgram } from '../../peers/debian.ts'

const has = (program: string): boolean => existsSync(`/usr/bin/${program}`)
const withMan = test.skipIf(!has('man')) // reason: man-db is not installed
const mandoc = debianProgram('mandoc', 'mandoc')
const withMandoc = test.skipIf(mandoc === undefined) // reason: no mandoc can be had

const pages = manualPages({ date: '2026-01-02', version: '1.2.3' })
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-man-'))
  for (const [file, text] of pages) writeFileSync(join(folder, file), text)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A page as it is read, without fonts and line breaks. */
const read = (file: string): string =>
  (pages.get(file) ?? '')
    .replaceAll(/\\f[BRI]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll(/\s+/g, ' ')

const program = createProgram({ status: 0 })
const isShown = (parent: Command, command: Command): boolean =>
  parent.createHelp().visibleCommands(parent).includes(command) && command.name() !== 'help'
const paths = (command: Command, before: string): readonly (readonly [string, Command])[] =>
  command.commands
    .filter((sub) => isShown(command, sub))
    .flatMap((sub) => [[`${before}-${sub.name()}`, sub] as const, ...paths(sub, `${before}-${sub.name()}`)])

test('every command that help shows has a page, with all of its options', () => {
  const commands = paths(program, 'mesh')
  expect(commands.map(([name]) => name)).toContain('mesh-proxy-upgrade')
  for (const [name, command] of commands) {
    const text = read(`${name}.1`)
    expect(text, name).toContain(`NAME ${name} `)
    for (const option of command.options.filter(({ hidden }) => !hidden))
      expect(text, name).toContain((option.long ?? option.short ?? '').replace(/^--/, '-'))
  }
  expect([...pages.keys()].filter((file) => file.endsWith('.1'))).toHaveLength(commands.length + 1)
})

test('what help says behind the options stands on the page, too', () => {
  expect(read('mesh-proxy-upgrade.1')).toContain('0 all replaced, 1 an old worker goes on')
})

test('mesh(1) names every command of the first row', () => {
  const text = read('mesh.1')
  for (const command of program.commands.filter((sub) => isShown(program, sub)))
    expect(text).toContain(`mesh-${command.name()}(1)`)
  expect(text).not.toContain('@')
})

test('every key of the configuration is told, and no other', () => {
  const keys = keysOf(agentSchema).map(({ path }) => path)
  expect(Object.keys(settings).sort()).toEqual([...keys].sort())
  const text = read('mesh-agent.hcl.5')
  for (const key of keys) expect(text).toContain(`.TP ${key} `)
  expect(text).toContain('Takes a port up to 65535, or 0 for any free one: .br server = 8300')
})

test('the pages that units and pages name are pages of the package', () => {
  const named = new Set<string>()
  for (const text of pages.values())
    for (const [, name, section] of text.matchAll(/\\fB(mesh[\w\\.-]*)\\fR\((\d)\)/g))
      named.add(`${name?.replaceAll('\\-', '-')}.${section}`)
  for (const text of pages.values())
    for (const [, name, section] of text.matchAll(/^\.BR (mesh[\w\\.-]*) \((\d)\)/gm))
      named.add(`${name?.replaceAll('\\-', '-')}.${section}`)
  const systemd = join(root, 'packaging/systemd')
  for (const unit of readdirSync(systemd))
    for (const [, name, section] of readFileSync(join(systemd, unit), 'utf8').matchAll(
      /man:([\w.-]+)\((\d)\)/g,
    ))
      named.add(`${name}.${section}`)
  expect(named.size).toBeGreaterThan(40)
  for (const file of named) expect([...pages.keys()]).toContain(file)
})

withMan('man formats every page without a warning', () => {
  const files = [...pages.keys()].map((file) => join(folder, file))
  const said = execFileSync(
    '/bin/sh',
    ['-c', 'man --warnings -l -Tutf8 -Z "$@" 2>&1 > /dev/null', 'sh', ...files],
    {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    },
  )
  expect(said).toBe('')
})

withMandoc('mandoc has no warning about any page', () => {
  const files = [...pages.keys()].map((file) => join(folder, file))
  const words = ['-Tlint', '-W', 'warning', ...files]
  const env = { ...process.env, ...mandoc?.env }
  expect(execFileSync(mandoc?.path ?? '', words, { encoding: 'utf8', env })).toBe('')
})
