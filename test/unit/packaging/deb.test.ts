// The .deb as dpkg and lintian see it. A tiny program stands in for Node, which would only make the builds slow.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readManifest, root } from '../../../packaging/bundle.ts'
import { formats } from '../../../packaging/deb/formats.ts'
import { isIntact } from '../../../packaging/deb/node-binary.ts'
import { nextVersions } from '../../../packaging/next-versions.ts'
import { versions } from '../../../src/model/versions.ts'

const has = (program: string): boolean => existsSync(`/usr/bin/${program}`)
const withDpkg = test.skipIf(!has('dpkg-deb')) // reason: not a Debian system, packages cannot be built
const withLintian = test.skipIf(!has('dpkg-deb') || !has('lintian')) // reason: lintian is not installed
const withShellcheck = test.skipIf(!has('shellcheck')) // reason: shellcheck is not installed

/** xz and lintian take twenty seconds of a processor. */
const slowMs = 300_000

const version = readManifest().version
let folder: string
let deb: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-deb-test-'))
  if (has('dpkg-deb')) deb = build('first', { TZ: 'UTC' }, '022')
})
afterAll(() => rmSync(folder, { recursive: true }))

function build(name: string, environment: Record<string, string>, umask: string, from = root): string {
  const script = join(from, 'packaging/deb/build.ts')
  const flags = name === 'release' ? ['--compression', 'xz'] : []
  const words = [process.execPath, script, '--node', '/bin/true', '--output', join(folder, name), ...flags]
  execFileSync('/bin/sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...words], {
    env: { PATH: process.env['PATH'], SOURCE_DATE_EPOCH: '1700000000', ...environment },
    stdio: 'pipe',
  })
  return join(folder, name, `mesh-agent_${version}_${process.arch === 'arm64' ? 'arm64' : 'amd64'}.deb`)
}

const dpkg = (...words: readonly string[]): string => execFileSync('dpkg-deb', words, { encoding: 'utf8' })
const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

withDpkg(
  'every file of the package is one that was meant, with the mode and owner that were meant',
  async () => {
    const lines = dpkg('-c', deb)
      .trim()
      .split('\n')
      .map((line) =>
        line
          .replace(/^(\S+ \S+) +\d+ \S+ \S+ /, '$1 ')
          .replace(/\/chunks\/.+$/, '/chunks/*')
          .replace(/\/man1\/mesh-.+$/, '/man1/mesh-*.1.gz'),
      )
    await expect(`${[...new Set(lines)].join('\n')}\n`).toMatchFileSnapshot('./golden/content.txt')
  },
)

withDpkg('files in /etc are conffiles, and nothing else is', () => {
  expect(dpkg('-I', deb, 'conffiles')).toBe(
    '/etc/mesh-agent/mesh-agent.hcl\n/etc/needrestart/conf.d/mesh-agent.conf\n',
  )
})

withDpkg(
  'the same commit gives the same bytes, whatever the umask, time zone and hour of the builder',
  () => {
    expect(digest(build('second', { TZ: 'Asia/Tokyo', LC_ALL: 'C' }, '077'))).toBe(digest(deb))
  },
)

withDpkg('preinst knows the formats that the programs read, and the next release those that it adds', () => {
  const known = /^known='([^@']+)'$/m.exec(dpkg('-I', deb, 'preinst'))?.[1]
  expect(known).toBe(formats(versions))
  expect(known).toMatch(/^server-data 1$/m)
  expect(formats(nextVersions(versions))).toBe(known?.replace('server-data 1', 'server-data 2'))
})

withDpkg('the same commit gives the same bytes from another folder', () => {
  // Below this one, because hard links cannot leave a file system.
  mkdirSync(join(root, 'dist'), { recursive: true })
  const copy = mkdtempSync(join(root, 'dist/copy-'))
  try {
    const parts = ['src', 'packaging', 'config', 'docs', 'package.json', 'package-lock.json', 'tsconfig.json']
    execFileSync('cp', ['-al', ...parts.map((part) => join(root, part)), copy])
    mkdirSync(join(copy, 'node_modules'))
    const modules = readdirSync(join(root, 'node_modules')).filter((name) => !name.startsWith('.'))
    const paths = modules.map((name) => join(root, 'node_modules', name))
    execFileSync('cp', ['-al', ...paths, join(copy, 'node_modules')])
    expect(digest(build('elsewhere', { TZ: 'UTC' }, '022', copy))).toBe(digest(deb))
  } finally {
    rmSync(copy, { recursive: true })
  }
})

withDpkg('another commit time gives another package', () => {
  const later = build('later', { SOURCE_DATE_EPOCH: '1700000001' }, '022')
  expect(digest(later)).not.toBe(digest(deb))
  expect(dpkg('-c', later)).not.toBe(dpkg('-c', deb))
})

test('a Node.js that was fetched is taken only with the checksum of the lock', () => {
  const bytes = Buffer.from('node')
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  expect(isIntact(bytes, integrity)).toBe(true)
  expect(isIntact(Buffer.from('nodf'), integrity)).toBe(false)
  expect(isIntact(bytes, '')).toBe(false)
})

withDpkg('the copyright file has the licence of every bundled package and of Node', () => {
  const text = execFileSync(
    '/bin/sh',
    ['-c', `dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/mesh-agent/copyright`, 'sh', deb],
    {
      encoding: 'utf8',
    },
  )
  const paragraphs = text.split('\n\n')
  for (const name of ['commander', '@grpc/grpc-js', 'fastify', 'pino', 'zod'])
    expect(paragraphs.filter((part) => part.startsWith(`Files: node_modules/${name}/*\n`))).toHaveLength(1)
  expect(paragraphs.at(-1)).toContain('Node.js is licensed for use as follows')
  for (const part of paragraphs.slice(1))
    expect(part).toMatch(/^Files: .+\nCopyright: .+\n( .+\n)*License: .+\n \S/)
  expect(text).not.toMatch(/undefined/)
})

withLintian(
  'lintian finds nothing to complain about',
  () => {
    const small = build('release', {}, '022')
    const words = ['--fail-on', 'error,warning', '--allow-root', '--tag-display-limit', '0']
    // The stand-in is not Node: overrides that Node needs are not used by it.
    const suppressed = ['--suppress-tags', 'unused-override,mismatched-override']
    expect(execFileSync('lintian', [...words, ...suppressed, small], { encoding: 'utf8' })).toBe('')
  },
  slowMs,
)

withShellcheck('the maintainer scripts are clean shell', () => {
  const scripts = ['preinst', 'postinst', 'prerm', 'postrm'].map((name) => `scripts/${name}`)
  const paths = [...scripts, 'host/take-over', 'host/configured', 'mesh'].map((name) =>
    join(root, 'packaging/deb', name),
  )
  expect(execFileSync('shellcheck', ['--shell=sh', ...paths], { encoding: 'utf8' })).toBe('')
})
