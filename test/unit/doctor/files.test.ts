// What the doctor makes of files and folders: configuration, state, sockets, disks.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { barrier, type PathFacts } from '../../../src/command/doctor/judge/account.ts'
import {
  type ConfigurationFacts,
  judgeConfiguration,
} from '../../../src/command/doctor/judge/configuration.ts'
import { judgeDisk, judgeSocketFolders, judgeStateFolder } from '../../../src/command/doctor/judge/state.ts'
import { readAccounts } from '../../../src/command/doctor/look/accounts.ts'
import { lookAtConfiguration } from '../../../src/command/doctor/look/configuration.ts'
import { below, diskOf, wayTo } from '../../../src/command/doctor/look/paths.ts'
import { declaredFolders } from '../../../src/command/doctor/look/state.ts'
import { agent, codesOf } from './lines.ts'

const folder = mkdtempSync(join(tmpdir(), 'mesh-doctor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const path = (name: string, more: Partial<PathFacts> = {}): PathFacts => ({
  path: name,
  isFolder: false,
  uid: 0,
  gid: 0,
  mode: 0o644,
  ...more,
})
const open = path('/etc', { isFolder: true, mode: 0o755 })

describe('who may read what', () => {
  test.each([
    ['others may', [open, path('/etc/x', { mode: 0o604 })], undefined],
    ['others may not', [open, path('/etc/x', { mode: 0o640 })], '/etc/x'],
    ['its group may', [open, path('/etc/x', { gid: 990, mode: 0o640 })], undefined],
    ['the owner may not although others may', [open, path('/etc/x', { uid: 990, mode: 0o044 })], '/etc/x'],
    ['a folder above is closed', [path('/etc', { isFolder: true, mode: 0o700 }), path('/etc/x')], '/etc'],
    [
      'a folder may be searched but not listed',
      [path('/etc', { isFolder: true, mode: 0o711 }), path('/etc/x')],
      undefined,
    ],
  ])('%s', (_what, way, stop) => {
    expect(barrier(agent, way)?.path).toBe(stop)
    expect(barrier({ ...agent, uid: 0 }, way)).toBeUndefined()
  })
})

describe('configuration', () => {
  const facts = (more: Partial<ConfigurationFacts>): ConfigurationFacts => ({
    path: '/etc/mesh-agent',
    files: [{ path: '/etc/mesh-agent/a.hcl', text: 'server = true' }],
    unreadable: [],
    ways: [[open, path('/etc/mesh-agent/a.hcl')]],
    errors: [],
    services: 0,
    isEnrolled: false,
    ...more,
  })
  const codes = (more: Partial<ConfigurationFacts>): readonly string[] =>
    codesOf(judgeConfiguration(facts(more), [agent]))

  test('one that is valid and open is well', () => expect(codes({})).toEqual(['ok']))
  test('none, or nothing but comments, is missing', () => {
    expect(codes({ files: [] })).toEqual(['config-missing'])
    expect(codes({ files: [{ path: 'a.hcl', text: '# server = true\n\n// x\n  # y\n' }] })).toEqual([
      'config-missing',
    ])
    const [line] = judgeConfiguration(facts({ files: [] }), [agent])
    expect(line?.remedy).toContain('mesh init -server -config-dir /etc/mesh-agent')
  })
  test('a host that was enrolled needs none', () => {
    expect(codes({ files: [], isEnrolled: true })).toEqual(['ok'])
  })
  test('a folder that is not there is missing, a closed one is not seen, a file that is broken is unreadable', () => {
    const one = { path: '/etc/mesh-agent', reason: 'no such file or directory', isDenied: false }
    expect(codes({ unreadable: [one] })).toEqual(['config-missing'])
    expect(codes({ unreadable: [{ ...one, isDenied: true }] })).toEqual(['unseen'])
    expect(codes({ unreadable: [{ ...one, path: '/etc/mesh-agent/a.hcl' }] })).toEqual(['config-unreadable'])
  })
  test('each mistake is told with its place and its remedy, ten at most', () => {
    const error = { path: 'a.hcl', line: 3, column: 7, what: 'w', why: 'y', remedy: 'r' }
    const [line] = judgeConfiguration(facts({ errors: [error] }), [agent])
    expect(line).toEqual({ mark: 'wrong', code: 'config-wrong', text: 'a.hcl:3:7: w: y', remedy: 'r' })
    expect(codes({ errors: Array.from({ length: 40 }, () => error) })).toHaveLength(10)
  })
  test('a file that a program may not read is told once for each user, with what to type', () => {
    const way = [open, path('/etc/mesh-agent/a.hcl', { mode: 0o600 })]
    const [line] = judgeConfiguration(facts({ ways: [way, way] }), [agent])
    expect(line).toMatchObject({ code: 'config-unreadable', remedy: 'chmod 0644 /etc/mesh-agent/a.hcl' })
    expect(judgeConfiguration(facts({ ways: [way, way] }), [agent])).toHaveLength(1)
  })
  test('is read from a real folder: mistakes with file, line and column', () => {
    const place = join(folder, 'conf')
    mkdirSync(place)
    writeFileSync(join(place, 'a.hcl'), 'servers = ["10.0.0.1"]\nadvertise_addr = "10.0.0.9"\nnonsense = 1\n')
    const look = lookAtConfiguration(place)
    expect(look.configuration).toBeUndefined()
    expect(judgeConfiguration(look.facts, [])[0]?.text).toContain('a.hcl:3:1: ')
    writeFileSync(join(place, 'a.hcl'), 'servers = ["10.0.0.1"]\nadvertise_addr = "10.0.0.9"\n')
    expect(lookAtConfiguration(place).configuration?.settings.servers).toEqual(['10.0.0.1:8300'])
    expect(lookAtConfiguration(join(folder, 'none')).facts.unreadable).toMatchObject([{ isDenied: false }])
  })
})

describe('state', () => {
  const state = path('/s/agent', { isFolder: true, uid: 990, gid: 990, mode: 0o700 })
  const key = path('/s/agent/host.key', { uid: 990, gid: 990, mode: 0o600 })
  const judge = (more: Partial<Parameters<typeof judgeStateFolder>[0]>) =>
    judgeStateFolder({ path: '/s/agent', account: agent, folder: state, below: [key], ...more })

  test('a folder of its user, closed to others, is well, and so is none before the first start', () => {
    expect(codesOf(judge({}))).toEqual(['ok'])
    expect(codesOf(judge({ folder: undefined, below: [] }))).toEqual(['ok'])
  })
  test('a folder of another user, or open to others, is not', () => {
    expect(judge({ folder: { ...state, uid: 0 } })).toMatchObject([
      { code: 'state-owner', remedy: 'chown -R mesh-agent: /s/agent' },
    ])
    expect(judge({ folder: { ...state, mode: 0o755 } })).toMatchObject([
      { code: 'state-open', remedy: 'chmod 0700 /s/agent' },
    ])
  })
  test('a foreign file below it is named, and a key that others may read', () => {
    expect(judge({ below: [{ ...key, uid: 0 }] })).toMatchObject([{ code: 'state-owner' }])
    const keys = ['host.key', 'host.key.next', 'gossip-keys.json', 'leaves/web.key'].map(
      (name) => [name, 0o640] as const,
    )
    const tokens = ['local.token', 'operator.token'].map((name) => [name, 0o644] as const)
    for (const [name, mode] of [...keys, ...tokens])
      expect(judge({ below: [{ ...key, path: `/s/agent/${name}`, mode }] })).toMatchObject([
        { code: 'key-open', remedy: `chmod 0600 /s/agent/${name}` },
      ])
  })
  test('a token may be read by its group, and what is no secret by anybody', () => {
    expect(codesOf(judge({ below: [{ ...key, path: '/s/agent/local.token', mode: 0o640 }] }))).toEqual(['ok'])
    expect(codesOf(judge({ below: [{ ...key, path: '/s/agent/views.json', mode: 0o644 }] }))).toEqual(['ok'])
  })
  test('what this user may not look into is not called well', () => {
    expect(codesOf(judge({ below: undefined }))).toEqual(['unseen'])
  })
  test('is read from a real folder, deep, and without following links', () => {
    const place = join(folder, 'state')
    mkdirSync(join(place, 'deep'), { recursive: true, mode: 0o700 })
    writeFileSync(join(place, 'deep/web.key'), '')
    chmodSync(join(place, 'deep/web.key'), 0o644)
    expect(below(place)?.map((one) => [one.path, one.mode])).toEqual([
      [join(place, 'deep'), 0o700],
      [join(place, 'deep/web.key'), 0o644],
    ])
    expect(wayTo(join(place, 'deep')).at(-1)).toMatchObject({ path: join(place, 'deep'), isFolder: true })
    expect(wayTo(join(place, 'deep'))[0]?.path).toBe('/')
  })
})

test('folders of the sockets are compared with what the package declares', () => {
  const place = join(folder, 'run')
  mkdirSync(place, { mode: 0o755 })
  chmodSync(place, 0o755)
  const accounts = readAccounts()
  const owner = accounts.userName(process.getuid?.() ?? 0)
  const group = accounts.groupName(process.getgid?.() ?? 0)
  const text = `# words\nd ${place} 0755 ${owner} ${group} -\nd ${place}/link 2750 mesh-agent mesh-proxy -\n`
  const folders = declaredFolders(text, accounts)
  expect(judgeSocketFolders(folders)).toMatchObject([
    { code: 'socket-folder-wrong', remedy: 'systemd-tmpfiles --create mesh-agent.conf' },
  ])
  expect(judgeSocketFolders(folders)[0]?.text).toContain(`${place}/link is not there`)
  expect(codesOf(judgeSocketFolders(folders.slice(0, 1)))).toEqual(['ok'])
  chmodSync(place, 0o700)
  expect(codesOf(judgeSocketFolders(declaredFolders(text, accounts).slice(0, 1)))).toEqual([
    'socket-folder-wrong',
  ])
})

describe('disk', () => {
  const gigabyte = 1024 ** 3
  const room = { totalBytes: 100 * gigabyte, freeBytes: 50 * gigabyte, totalFiles: 1e6, freeFiles: 1e5 }
  const codes = (more: Partial<typeof room>, isReadOnly = false): readonly string[] =>
    codesOf(judgeDisk({ path: '/var/lib', isReadOnly, room: { ...room, ...more } }))

  test.each([
    [{}, 'ok'],
    [{ freeBytes: 0 }, 'disk-space-none'],
    [{ freeBytes: gigabyte / 2 }, 'disk-space-low'],
    // A small disk that is half empty is not almost full.
    [{ freeBytes: gigabyte / 2, totalBytes: gigabyte }, 'ok'],
    [{ freeFiles: 0 }, 'disk-files-none'],
    // Some file systems count no inodes at all.
    [{ freeFiles: 0, totalFiles: 0 }, 'ok'],
  ])('%o is %s', (more, code) => expect(codes(more)).toEqual([code]))

  test('read-only outranks all else, and what cannot be asked is not called well', () => {
    expect(codes({ freeBytes: 0 }, true)).toEqual(['disk-read-only'])
    expect(codesOf(judgeDisk({ path: '/x', isReadOnly: false, room: undefined }))).toEqual(['unseen'])
  })
  test('is asked about the nearest folder that there is', () => {
    const facts = diskOf(join(folder, 'not/there/yet'))
    expect(facts.path).toBe(folder)
    expect(facts.room?.totalBytes).toBeGreaterThan(0)
  })
})
