import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { ProcessResult } from '../../../src/platform/ports.ts'
import { systemProcesses } from '../../../src/platform/processes.ts'

function run(
  args: readonly string[],
  options: { readonly timeoutMs?: number; readonly outputMaxBytes?: number } = {},
): Promise<ProcessResult> {
  return new Promise((resolve) => {
    systemProcesses.run(args, { timeoutMs: 20_000, outputMaxBytes: 4_096, ...options }, resolve)
  })
}

const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script]

const isAlive = (pid: number): boolean => {
  try {
    // A zombie still answers to signal 0; its state tells that it is dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('exit status and both outputs come back', async () => {
  expect(await run(shell('echo out; echo err >&2; exit 3'))).toMatchObject({ exitCode: 3, timedOut: false })
  const { output } = await run(shell('echo out; echo err >&2'))
  expect([...output.trim().split('\n')].sort()).toEqual(['err', 'out'])
})

test('arguments reach the program as they are, without a shell', async () => {
  expect(await run(['/bin/echo', '$HOME', '; rm -rf /', '*'])).toMatchObject({
    exitCode: 0,
    output: '$HOME ; rm -rf / *\n',
  })
})

test('of a long output the first bytes are kept, and the program is not held up', async () => {
  const result = await run(shell('printf begin; head -c 5000000 /dev/zero; exit 1'), { outputMaxBytes: 5 })
  expect(result).toEqual({ exitCode: 1, timedOut: false, output: 'begin' })
})

test('at the timeout the whole group is killed, children that ignore signals included', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-processes-'))
  try {
    const pidFile = join(folder, 'pid')
    const child = `trap '' TERM HUP INT; echo $$ > ${pidFile}.new && mv ${pidFile}.new ${pidFile}; sleep 600; sleep 600`
    const script = `/bin/sh -c "${child.replaceAll('$', '\\$')}" & wait`
    const running = run(shell(script), { timeoutMs: 1_500 })
    await vi.waitFor(() => expect(existsSync(pidFile)).toBe(true), { timeout: 10_000 })
    const pid = Number(readFileSync(pidFile, 'utf8'))
    expect(isAlive(pid)).toBe(true)
    expect(await running).toMatchObject({ exitCode: undefined, timedOut: true })
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a child left in the background does not hold up the result, and is not left behind', async () => {
  const { output, exitCode } = await run(shell('sleep 600 & echo $!'))
  expect(exitCode).toBe(0)
  await vi.waitFor(() => expect(isAlive(Number(output))).toBe(false), { timeout: 10_000 })
})

test('a program that cannot be started says so', async () => {
  expect(await run(['/no/such/program'])).toMatchObject({
    exitCode: undefined,
    timedOut: false,
    output: expect.stringContaining('cannot start /no/such/program'),
  })
  expect(await run(['/bin/echo', 'zero\u0000byte'])).toMatchObject({ exitCode: undefined })
})

test('a run can be ended before its time', async () => {
  const result = await new Promise<ProcessResult>((resolve) => {
    const handle = systemProcesses.run(shell('sleep 600'), { timeoutMs: 60_000, outputMaxBytes: 10 }, resolve)
    handle.kill()
  })
  expect(result).toMatchObject({ exitCode: undefined, timedOut: false })
})
