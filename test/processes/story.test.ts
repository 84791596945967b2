// The quickstart as a newcomer runs it: every step shows its proof, and nothing is left behind.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { accepts } from '../../src/command/dev/mesh.ts'
import { entry, until } from './fixture.ts'

interface Run {
  readonly status: number | null
  readonly output: string
  readonly left: readonly string[]
}

/** Runs `mesh dev` with a temporary folder of its own; `during` may end it early. */
async function dev(args: readonly string[], during?: (kill: () => void) => Promise<void>): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'st-'))
  const child = spawn(process.execPath, [entry, 'dev', ...args], {
    env: { ...process.env, TMPDIR: folder, NO_COLOR: '1' },
  })
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  child.stderr.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  try {
    await during?.(() => child.kill('SIGINT'))
    const status = await ended
    return { status, output, left: readdirSync(folder) }
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

test('the story is told with proof of each step, and nothing is left behind', async () => {
  const { status, output, left } = await dev(['--once'])
  expect(status, output).toBe(0)
  const uri = /spiffe:\/\/[0-9a-f-]{36}\.consul\/ns\/default\/dc\/dc1\/svc\/web over TLSv1\.3/g
  expect(output.match(uri)).toHaveLength(4)
  expect(output).toMatch(/reason code: denied-by-default/)
  expect(output).toMatch(/Allowed: web => backend\n +enforced at index \d+ on 1 of 1 proxies/)
  expect(output.match(/status 200, "hello from backend"/g)).toHaveLength(2)
  expect(output).toMatch(/the connection that was open: cut/)
  expect(output).toMatch(/reason code: denied-by-intention/)
  expect(left).toEqual([])
  expect(await accepts('127.0.0.2', 8500)).toBe(false)
  expect(await accepts('127.0.0.2', 21_000)).toBe(false)
})

test('without --once it runs until Ctrl-C, does what it invites to, and tidies up', async () => {
  const { status, output, left } = await dev([], async (end) => {
    const answer = await until('the sample page to be served through the mesh', async () => {
      const response = await fetch('http://127.0.0.1:8080/backend')
      return response.ok ? await response.text() : undefined
    })
    expect(answer).toBe('hello from backend\n')
    end()
  })
  expect(status, output).toBe(0)
  expect(output).toContain('mesh intention deny web backend')
  expect(left).toEqual([])
  expect(await accepts('127.0.0.3', 8500)).toBe(false)
})
