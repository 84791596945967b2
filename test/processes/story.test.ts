// The quickstart and development mode as a newcomer runs them: proof at every step, and nothing is left behind. One file,
// because both use the ports that people expect.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
    await end(child, ended)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Asks first: what is killed at once leaves its programs behind, and their ports to the next test. */
async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const killing = setTimeout(() => child.kill('SIGKILL'), 20_000)
  child.kill('SIGINT')
  await ended
  clearTimeout(killing)
}

test('the story is told with proof of each step, and nothing is left behind', {
  timeout: 120_000,
}, async () => {
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

test('without --once it runs until Ctrl-C, does what it invites to, and tidies up', {
  timeout: 120_000,
}, async () => {
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

test('`mesh agent -dev` serves the API with the services that it was given, and tidies up', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ad-'))
  const services = mkdtempSync(join(tmpdir(), 'ad-'))
  writeFileSync(join(services, 'db.hcl'), 'service {\n  name = "db"\n  port = 5432\n}\n')
  const child = spawn(process.execPath, [entry, 'agent', '-dev', '-config-dir', services], {
    env: { ...process.env, TMPDIR: folder, NO_COLOR: '1' },
    stdio: 'ignore',
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  try {
    await until('the service to be in the catalog', async () => {
      const response = await fetch('http://127.0.0.1:8500/v1/health/service/db?passing')
      return response.ok && (await response.text()).includes('"Port":5432') ? true : undefined
    })
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(readdirSync(folder)).toEqual([])
  } finally {
    await end(child, ended)
    for (const path of [folder, services]) rmSync(path, { recursive: true, force: true })
  }
})
