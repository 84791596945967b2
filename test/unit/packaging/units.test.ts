// The unit files as systemd reads them, and the promises between them, the users and the folders of the sockets.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../../packaging/bundle.ts'

const systemd = join(root, 'packaging/systemd')
const programs = ['agent', 'server', 'proxy']
const has = (program: string): boolean => existsSync(`/usr/bin/${program}`)
const withAnalyze = test.skipIf(!has('systemd-analyze')) // reason: systemd is not installed
const withSysusers = test.skipIf(!has('systemd-sysusers')) // reason: systemd is not installed

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-units-'))
  // The program that a unit names must exist, or systemd-analyze reports that instead of mistakes in the unit.
  for (const program of programs)
    writeFileSync(
      unitPath(program),
      text(`mesh-${program}.service`).replaceAll(
        /\/usr\/(bin\/mesh |lib\/mesh-agent\/configured)/g,
        '/bin/true ',
      ),
    )
})
afterAll(() => rmSync(folder, { recursive: true }))

const text = (name: string): string => readFileSync(join(systemd, name), 'utf8')
const unitPath = (program: string): string => join(folder, `mesh-${program}.service`)
const settings = (program: string): readonly string[] =>
  text(`mesh-${program}.service`)
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
const setting = (program: string, name: string): string | undefined =>
  settings(program)
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1)

withAnalyze('systemd-analyze verify has nothing to say', () => {
  const said = execFileSync(
    '/bin/sh',
    ['-c', 'systemd-analyze verify --man=no "$@" 2>&1', 'sh', ...programs.map(unitPath)],
    {
      encoding: 'utf8',
    },
  )
  expect(said).toBe('')
})

withAnalyze.each(programs)('the exposure of mesh-%s is at most 2.0', (program) => {
  const words = ['security', '--offline=true', '--no-pager', unitPath(program)]
  const report = execFileSync('systemd-analyze', words, { encoding: 'utf8' })
  expect(Number(/exposure level for .*: ([\d.]+)/.exec(report)?.[1])).toBeLessThanOrEqual(2)
})

test.each(programs)('mesh-%s has what a Node program needs from its unit', (program) => {
  expect(setting(program, 'Type')).toBe('notify')
  expect(setting(program, 'NotifyAccess')).toBe('all')
  expect(setting(program, 'KillMode')).toBe('mixed')
  expect(setting(program, 'MemoryDenyWriteExecute')).toBeUndefined()
  expect(setting(program, 'User')).toBe(`mesh-${program}`)
  expect(setting(program, 'StateDirectory')).toBe(`mesh-agent/${program}`)
  expect(setting(program, 'StateDirectoryMode')).toBe('0700')
  // Never Node's default in the shared /tmp, which anybody may fill first.
  expect(setting(program, 'Environment')).toBe(
    `NODE_COMPILE_CACHE=/var/cache/${setting(program, 'CacheDirectory')}`,
  )
})

test('the sandbox of the three is the same, but for what the agent says it leaves out', () => {
  const sandbox = (program: string): readonly string[] =>
    settings(program)
      .slice(settings(program).indexOf('AmbientCapabilities='))
      .filter((line) => !line.startsWith('WantedBy='))
  expect(sandbox('proxy')).toEqual(sandbox('server'))
  expect(sandbox('agent')).toEqual(sandbox('server').filter((line) => line !== 'PrivateUsers=yes'))
})

test('each folder that a unit may write is made by tmpfiles.d for the user of that unit', () => {
  const made = text('mesh-agent.tmpfiles')
    .split('\n')
    .filter((line) => line.startsWith('d '))
    .map((line) => line.split(/\s+/))
  const owner = new Map(made.map(([, path, , user]) => [path, user]))
  for (const program of programs)
    for (const path of setting(program, 'ReadWritePaths')?.split(' ') ?? [])
      expect(owner.get(path)).toBe(`mesh-${program}`)
})

test('a link socket is reached by the proxy and a server socket by the agent, and neither by others', () => {
  const tmpfiles = text('mesh-agent.tmpfiles')
  expect(tmpfiles).toMatch(/^d \/run\/mesh-agent\/link +2750 mesh-agent +mesh-proxy /m)
  expect(tmpfiles).toMatch(/^d \/run\/mesh-agent\/server +2750 mesh-server +mesh-agent /m)
})

withSysusers('the users can be made: three, each with a group of its own, none with a login', () => {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'etc'), { recursive: true })
  for (const file of ['passwd', 'group', 'shadow', 'gshadow']) writeFileSync(join(tree, 'etc', file), '')
  execFileSync('systemd-sysusers', [`--root=${tree}`, join(systemd, 'mesh-agent.sysusers')], {
    stdio: 'pipe',
  })
  const users = readFileSync(join(tree, 'etc/passwd'), 'utf8').trim().split('\n')
  expect(users.map((line) => line.split(':')[0])).toEqual(['mesh-agent', 'mesh-server', 'mesh-proxy'])
  for (const line of users) expect(line).toMatch(/nologin$/)
  const groups = readFileSync(join(tree, 'etc/group'), 'utf8').trim().split('\n')
  expect(groups.map((line) => line.split(':')[0])).toEqual(['mesh-agent', 'mesh-server', 'mesh-proxy'])
})
