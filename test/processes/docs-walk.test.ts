// The walk of docs/servers.md, run from the page's own text: what the page says an operator types is what works.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { entry } from './fixture.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/servers.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'mesh-w-'))

/** Ends what the walk left running, whatever became of it. */
const cleaning = `cd '${folder}'\nfor p in */*.pid; do kill -9 "$(cat $p)" 2>/dev/null; done; true\n`
const run = (
  script: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly output: string }> =>
  new Promise((resolve) => {
    const path = join(folder, 'walk.sh')
    writeFileSync(path, script)
    execFile(
      'bash',
      [path],
      { timeout: timeoutMs, killSignal: 'SIGKILL', cwd: folder },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : 1, output: `${stdout}${stderr}` }),
    )
  })

afterAll(async () => {
  await run(cleaning, 10_000)
  rmSync(folder, { recursive: true, force: true })
})

/** The blocks that the page marks, each announced in the output so that a failure names its place. */
function walk(): string {
  const blocks = [...page.matchAll(/<!-- walk -->\n```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  expect(blocks.length).toBeGreaterThan(6)
  return blocks.map((block, i) => `echo "=== block ${i + 1}"\n${block}`).join('\n')
}

test('three servers on one machine: built, the leader killed, one replaced, a snapshot restored, all off and on', async () => {
  mkdirSync(join(folder, 'bin'))
  // A program and not a shell function: what the walk kills must be the server itself.
  writeFileSync(join(folder, 'bin/mesh'), `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`, {
    mode: 0o755,
  })
  const prepare = `set -eu\nPATH='${folder}/bin':$PATH\n`
  const { status, output } = await run(`${prepare}${walk()}\necho "=== done"\n`, 150_000)
  expect(output).toContain('=== done')
  expect(status, output).toBe(0)
  const said = (block: number): string => output.split(`=== block ${block}\n`)[1]?.split('=== block')[0] ?? ''
  expect(said(5), 'a write after the kill').toContain('hello again')
  expect(said(7)).toContain('127.0.1.4:8300')
  expect(said(7).split('Removed server').at(-1)?.split('\n').slice(1).join('\n')).not.toContain('127.0.1.3')
  expect(said(8).trim().split('\n').at(-1), 'what was there before the mistake').toBe('hello again')
  expect(said(9)).toContain('hello again')
}, 180_000)
