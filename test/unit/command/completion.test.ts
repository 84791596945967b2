// What the shell offers: words of the command line, live names of the mesh, nothing where nobody answers.
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { complete } from '../../../src/command/complete.ts'
import { createProgram } from '../../../src/command/program.ts'
import { debianProgram } from '../../peers/debian.ts'
import { operatorToken } from '../api/fake-cluster.ts'
import { startTestApi, type TestApi } from '../api/fixture.ts'
import { seed } from '../api/seed.ts'
import { inTurn, runMesh } from './mesh-process.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  api = await startTestApi()
  await seed(api)
  folder = mkdtempSync(join(tmpdir(), 'mesh-complete-'))
  writeFileSync(
    join(folder, 'mesh'),
    `#!/bin/sh\nexport MESH_HTTP_ADDR=${api.url}\nexec ${process.execPath} ${join(import.meta.dirname, '../../../src/main.ts')} "$@"\n`,
  )
  chmodSync(join(folder, 'mesh'), 0o755)
  const headers = { 'X-Consul-Token': operatorToken }
  for (const key of ['app/one', 'app/two', 'apple']) await api.ask('PUT', `/v1/kv/${key}`, { headers })
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

test.each([
  [['serv'], ['services', 'server']],
  [['services', 're'], ['register']],
  [['intention', 'a'], ['allow']],
  [['members', '-d'], ['-detailed']],
  [['members', '--st'], ['--status']],
  [
    ['members', '-o', ''],
    ['table', 'json'],
  ],
  [
    ['watch', '-type', 'key'],
    ['key', 'keyprefix'],
  ],
  [['explain', 'no-le'], ['no-leader']],
  [
    ['completion', ''],
    ['bash', 'zsh'],
  ],
  [['config', 'read', '-kind', 'ser'], ['service-intentions']],
  [['kv', 'put', 'k', ''], []],
  [['nonsense', 'x'], []],
  [['__comp'], []],
])('mesh %j goes on with %j', async (words, expected) => {
  expect(await complete(createProgram({ status: 0 }), words)).toEqual(expected)
})

test('names of services, nodes and keys are those of this moment, and the operator’s words are offered with them', async () => {
  const ask = async (...words: string[]): Promise<string[]> => {
    const run = await runMesh(['__complete', '--', ...words], { env: { MESH_HTTP_ADDR: api.url } })
    expect([run.status, run.err]).toEqual([0, ''])
    return run.out.split('\n').filter((line) => line !== '')
  }
  const [destination, service, node, key, below, flagged] = await inTurn([
    () => ask('intention', 'allow', 'web', 'b'),
    () => ask('services', 'w'),
    () => ask('catalog', 'services', '-node', ''),
    () => ask('kv', 'get', 'app'),
    () => ask('kv', 'get', 'app/'),
    () => ask('services', '-http-addr', api.url, 'back'),
  ])
  expect(destination).toEqual(['backend', 'backend-sidecar-proxy'])
  expect(service).toEqual(['web'])
  expect(node).toEqual(['host-1', 'host-2'])
  expect(key).toEqual(['app/', 'apple'])
  expect(below).toEqual(['app/one', 'app/two'])
  expect(flagged).toEqual(['backend', 'backend-sidecar-proxy'])
})

test('an agent that is away costs the names and nothing else', async () => {
  const env = { MESH_HTTP_ADDR: '127.0.0.1:1' }
  const run = await runMesh(['__complete', '--', 'services', ''], { env })
  expect([run.status, run.err, run.out.split('\n').includes('register')]).toEqual([0, '', true])
})

test('bash takes the script and completes with it', async () => {
  const script = (await runMesh(['completion', 'bash'])).out
  const file = join(folder, 'mesh.bash')
  writeFileSync(file, script)
  const typed = `source ${file}; COMP_WORDS=(mesh intention allow web ba); COMP_CWORD=4; _mesh; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p mesh`
  const run = promisify(execFile)
  const { stdout: out } = await run('bash', ['--norc', '-c', typed], {
    env: { PATH: `${folder}:/usr/bin:/bin` },
  })
  expect(out.split('\n')).toEqual(
    expect.arrayContaining(['backend', 'backend-sidecar-proxy', expect.stringContaining('-F _mesh mesh')]),
  )
})

const zsh = debianProgram('zsh', 'zsh')

test.skipIf(zsh === undefined)(
  'zsh takes the script and completes with it (skipped where no zsh can be had)',
  async () => {
    const file = join(folder, '_mesh')
    writeFileSync(file, (await runMesh(['completion', 'zsh'])).out)
    // The line editor's own functions exist only while somebody types; these write down what they are given.
    const editor =
      'compadd() { print -rl -- offered "$@" }; compdef() { print -r -- registered "$@" }; _files() { print files }'
    const typed = async (words: string): Promise<string[]> => {
      const script = `${editor}; source ${file}; words=(${words}); CURRENT=$#words; _mesh`
      const run = promisify(execFile)
      const env = { ...zsh?.env, PATH: `${folder}:/usr/bin:/bin` }
      return (await run(zsh?.path ?? '', ['-f', '-c', script], { env })).stdout.trim().split('\n')
    }
    expect(await typed('mesh intention allow web ba')).toEqual([
      'registered _mesh mesh',
      'offered',
      '--',
      'backend',
      'backend-sidecar-proxy',
    ])
    expect(await typed("mesh validate ''")).toEqual(['registered _mesh mesh', 'files'])
    expect(await typed('mesh kv get app/o')).toEqual(['registered _mesh mesh', 'offered', '--', 'app/one'])
  },
)

test('another shell is refused with those that there are', async () => {
  const run = await runMesh(['completion', 'fish'])
  expect([run.status, run.err]).toEqual([
    2,
    'mesh: there is no completion for "fish": use bash or zsh\nTry: mesh completion bash\n',
  ])
})
