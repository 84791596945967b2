// What `mesh apply -f` and `PUT /v1/config` read: intentions in the short form and service-intentions entries.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ConfigChange, parseConfigChanges, parseConfigEntry } from '../../../src/config/changes.ts'
import { formatConfigError } from '../../../src/config/format.ts'
import type { ConfigEntry } from '../../../src/model/config-entry.ts'

function changes(text: string, path = 'a.hcl'): readonly ConfigChange[] {
  const parsed = parseConfigChanges({ path, text })
  if (!parsed.ok) throw new Error(parsed.errors.map(formatConfigError).join('\n'))
  return parsed.value
}

function errors(text: string, path = 'a.hcl'): readonly string[] {
  const parsed = parseConfigChanges({ path, text })
  return parsed.ok ? [] : parsed.errors.map(({ line, column, what }) => `${line}:${column} ${what}`)
}

const sample = (name: string): string => readFileSync(join(import.meta.dirname, 'changes', name), 'utf8')

const entry: ConfigEntry = {
  kind: 'service-intentions',
  name: 'db',
  meta: {},
  sources: [
    { name: 'api', action: 'allow', description: '', precedence: 9 },
    { name: '*', action: 'deny', description: '', precedence: 8 },
  ],
}

test('intentions in the short form, one or several in a file', () => {
  expect(changes(sample('short.hcl'))).toEqual([
    {
      type: 'intention',
      sourceName: 'web',
      destinationName: 'backend',
      action: 'allow',
      description: 'the shop reads its stock',
      meta: { owner: 'team-red' },
    },
    {
      type: 'intention',
      sourceName: '*',
      destinationName: 'backend',
      action: 'deny',
      description: '',
      meta: {},
    },
  ])
})

test('a service-intentions entry: sources in order of precedence, whatever order and spelling they are written in', () => {
  expect(changes(sample('entry.hcl'))).toEqual([
    {
      type: 'config-entry',
      entry: {
        ...entry,
        meta: { owner: 'team-blue' },
        sources: [
          { name: 'api', action: 'allow', description: 'reads and writes', precedence: 9 },
          { name: '*', action: 'deny', description: '', precedence: 8 },
        ],
      },
    },
  ])
  const snake =
    'kind = "service-intentions"\nname = "db"\nsources { name = "*" action = "deny" }\nsources { name = "api" action = "allow" }'
  for (const same of [snake, sample('entry.json')])
    expect(changes(same)).toEqual([{ type: 'config-entry', entry }])
})

test('what a server added is ignored when an entry comes back', () => {
  expect(changes(sample('entry.json'), 'a.json')).toEqual([{ type: 'config-entry', entry }])
})

test.each<[string, string, readonly string[]]>([
  ['an empty file', '# nothing', ['1:1 the file changes nothing']],
  ['a service', 'service { name = "web" }', ['1:1 `service` does not belong here']],
  [
    'a missing action',
    'intention { source_name = "a" destination_name = "b" }',
    ['1:1 the intention has no `action`'],
  ],
  [
    'a misspelt key',
    'intention { source_name = "a" destinaton_name = "b" action = "allow" }',
    ['1:31 `destinaton_name` is not a key of an intention'],
  ],
  [
    'a short name of a key',
    'intention { source = "a" destination_name = "b" action = "allow" }',
    ['1:13 `source` is not a key here'],
  ],
  [
    'an action that is none',
    'intention { source_name = "a" destination_name = "b" action = "block" }',
    ['1:63 `action` is "block"'],
  ],
  [
    'a wildcard in a name',
    'intention { source_name = "web-*" destination_name = "b" action = "allow" }',
    ['1:27 `source_name` is "web-*"'],
  ],
  [
    'requests instead of connections',
    'intention { source_name = "a" destination_name = "b" permissions { } }',
    ['1:54 `permissions` is not supported'],
  ],
  [
    'a pair twice',
    'intention { source_name = "a" destination_name = "b" action = "allow" }\nintention { source_name = "a" destination_name = "b" action = "deny" }',
    ['2:1 the intention a => b is given twice'],
  ],
  [
    'an entry without kind',
    'Sources = [{ Name = "a" Action = "allow" }]\nName = "b"',
    ['1:1 the config entry has no kind'],
  ],
  [
    'an entry of another kind',
    'Kind = "service-router"\nName = "b"\nRoutes = []',
    ['1:8 config entries of the kind "service-router" are not supported'],
  ],
  [
    'an entry of no kind',
    'Kind = "service-intention"\nName = "b"',
    ['1:8 "service-intention" is not a kind of config entry'],
  ],
  [
    'an entry without name',
    'Kind = "service-intentions"\nSources = [{ Name = "a" Action = "allow" }]',
    ['1:1 the entry has no name'],
  ],
  ['an entry without sources', 'Kind = "service-intentions"\nName = "b"', ['1:1 the entry has no sources']],
  [
    'an entry with an empty list of sources',
    'Kind = "service-intentions"\nName = "b"\nSources = []',
    ['3:11 the entry has no sources'],
  ],
  [
    'a source without action',
    'Kind = "service-intentions"\nName = "b"\nSources = [{ Name = "a" }]',
    ['3:12 the source has no `action`'],
  ],
  [
    'a source twice',
    'Kind = "service-intentions"\nName = "b"\nSources = [{ Name = "a" Action = "allow" }, { Name = "a" Action = "deny" }]',
    ['3:54 the source "a" is given twice'],
  ],
  [
    'a source with requests',
    'Kind = "service-intentions"\nName = "b"\nSources = [{ Name = "a" Permissions = [{ Action = "allow" }] }]',
    ['3:25 `Permissions` is not supported'],
  ],
  [
    'a description over the limit',
    `intention { source_name = "a" destination_name = "b" action = "allow" description = "${'x'.repeat(513)}" }`,
    [`1:85 \`description\` is "${'x'.repeat(48)}…"`],
  ],
])('%s is refused', (_, text, expected) => {
  expect(errors(text)).toEqual(expected)
})

test('the body of PUT /v1/config, as parsed JSON and as text, CamelCase and snake_case', () => {
  const body = {
    Kind: 'service-intentions',
    Name: 'db',
    Namespace: 'default',
    Sources: [
      { Name: 'api', Action: 'allow', Type: 'consul' },
      { name: '*', action: 'deny' },
    ],
  }
  for (const form of [body, JSON.stringify(body)])
    expect(parseConfigEntry(form)).toEqual({ ok: true, value: entry })
})

test.each<[string, unknown, string]>([
  ['an unknown kind', { Kind: 'nonsense', Name: 'x' }, 'invalid config entry kind: nonsense'],
  [
    'a kind that is not supported',
    { Kind: 'proxy-defaults', Name: 'global', Config: {} },
    'invalid config entry kind: proxy-defaults',
  ],
  [
    'an unknown key',
    { Kind: 'service-intentions', Name: 'db', Nope: 1, Sources: [] },
    'invalid config key "Nope"',
  ],
  [
    'an unknown key in a source',
    { Kind: 'service-intentions', Name: 'db', Sources: [{ Name: 'a', Action: 'allow', nope: 1 }] },
    'invalid config key "nope"',
  ],
  ['no kind', { Name: 'db' }, 'Payload does not contain a kind/Kind key at the top level'],
  ['no name', { Kind: 'service-intentions', Sources: [{ Name: 'a', Action: 'allow' }] }, 'Name is required'],
])('%s is answered in the words that clients of Consul know', (_, body, message) => {
  // Clients look for the words at the beginning; what to do stands behind them.
  const answer = parseConfigEntry(body)
  expect(answer).toMatchObject({ ok: false, failure: { code: 'bad-request' } })
  expect(answer.ok ? '' : answer.failure.message.slice(0, message.length + 2)).toBe(`${message}: `)
})

test('other mistakes of a body are told like those of files', () => {
  const answer = parseConfigEntry({
    Kind: 'service-intentions',
    Name: 'db',
    Sources: [{ Name: 'a', Action: 'block' }],
  })
  expect(answer).toEqual({
    ok: false,
    failure: {
      code: 'invalid-config',
      message: '`Action` is "block", it must be "allow" or "deny"; write `"Action": "allow"`',
    },
  })
})
