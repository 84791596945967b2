// The notifier against a stand-in for systemd-notify that writes its arguments to the file named by NOTIFY_SOCKET.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createNotifier } from '../../../src/platform/systemd.ts'

let folder: string
let socket: string
let program: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-notify-'))
  socket = join(folder, 'heard')
  program = join(folder, 'notify')
  standIn('printf "%s|" "$@" >> "$NOTIFY_SOCKET"; echo >> "$NOTIFY_SOCKET"')
})
afterEach(() => rmSync(folder, { recursive: true }))

const standIn = (line: string): void => writeFileSync(program, `#!/bin/sh\n${line}\n`, { mode: 0o755 })

const heard = (): readonly string[] =>
  existsSync(socket) ? readFileSync(socket, 'utf8').split('\n').filter(Boolean) : []

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 5 })

test('each word is sent in the order it was said', async () => {
  const notifier = createNotifier({ NOTIFY_SOCKET: socket }, { program })
  notifier.ready('serving 3 services')
  await until(() => heard().length === 1)
  notifier.reloading()
  await until(() => heard().length === 2)
  notifier.ready('serving 4 services')
  await until(() => heard().length === 3)
  notifier.stopping()
  await until(() => heard().length === 4)
  expect(heard()[0]).toBe('READY=1|STATUS=serving 3 services|')
  expect(heard()[1]).toMatch(/^RELOADING=1\|MONOTONIC_USEC=[1-9][0-9]*\|$/)
  expect(heard()[2]).toBe('READY=1|STATUS=serving 4 services|')
  expect(heard()[3]).toBe('STOPPING=1|')
})

test('words said while one is under way are merged, the last one of a kind counts', async () => {
  const notifier = createNotifier({ NOTIFY_SOCKET: socket }, { program })
  for (let i = 0; i < 1000; i++) notifier.status(`step ${i}`)
  notifier.reloading()
  notifier.ready('done')
  await until(() => heard().some((line) => line.includes('READY=1')))
  expect(heard()).toEqual(['STATUS=step 0|', 'STATUS=done|READY=1|'])
})

test('once stopping is said, no readiness that waits is sent after it', async () => {
  const notifier = createNotifier({ NOTIFY_SOCKET: socket }, { program })
  notifier.status('going down')
  notifier.ready('late')
  notifier.stopping()
  await until(() => heard().length === 2)
  expect(heard()[1]).toBe('STATUS=late|STOPPING=1|')
})

test('a status cannot carry a second assignment, nor break the call', async () => {
  const notifier = createNotifier({ NOTIFY_SOCKET: socket }, { program })
  notifier.status(`one\nMAINPID=1\0${'x'.repeat(1000)}`)
  await until(() => heard().length === 1)
  expect(heard()[0]).toMatch(/^STATUS=one MAINPID=1 x+\|$/)
  expect(heard()[0]?.length).toBeLessThan(300)
})

test('without systemd nothing is run', async () => {
  const notifier = createNotifier({}, { program, onFailure: () => expect.unreachable() })
  notifier.ready('serving')
  notifier.stopping()
  notifier.watch(() => expect.unreachable())()
  const other = createNotifier({ NOTIFY_SOCKET: socket }, { program })
  other.status('marker')
  await until(() => heard().length > 0)
  expect(heard()).toEqual(['STATUS=marker|'])
})

test('a failed message is told and nothing stops: the next one arrives', async () => {
  standIn('exit 3')
  const failures: string[] = []
  const notifier = createNotifier(
    { NOTIFY_SOCKET: socket },
    { program, onFailure: (why) => failures.push(why) },
  )
  notifier.ready('serving')
  await until(() => failures.length === 1)
  rmSync(program)
  notifier.status('nobody there')
  await until(() => failures.length === 2)
  expect(failures[1]).toContain('ENOENT')
  standIn('echo "$@" >> "$NOTIFY_SOCKET"')
  notifier.status('again')
  await until(() => heard().length === 1)
})

test('the watchdog is fed only while the work loop goes round', async () => {
  const environment = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) }
  const notifier = createNotifier(environment, { program })
  let rounds = 0
  let hangs = true
  const stop = notifier.watch(() => {
    rounds++
    return !hangs
  })
  await until(() => rounds === 5)
  notifier.status('marker')
  await until(() => heard().length > 0)
  expect(heard()).toEqual(['STATUS=marker|'])
  hangs = false
  await until(() => heard().length > 2)
  stop()
  expect(heard().slice(1, 3)).toEqual(['WATCHDOG=1|', 'WATCHDOG=1|'])
})

test('a watchdog meant for another process is left alone', async () => {
  const environment = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000' }
  const others = createNotifier({ ...environment, WATCHDOG_PID: '1' }, { program })
  let rounds = 0
  let othersRounds = 0
  const stopOthers = others.watch(() => othersRounds++ < 0)
  const stop = createNotifier(environment, { program }).watch(() => rounds++ < 0)
  await until(() => rounds > 10)
  stop()
  stopOthers()
  expect(othersRounds).toBe(0)
})

test('children do not inherit the right to speak for the program', () => {
  const environment = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000', WATCHDOG_PID: '1', PATH: '/bin' }
  createNotifier(environment, { program })
  expect(environment).toEqual({ PATH: '/bin' })
})
