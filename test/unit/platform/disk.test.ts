// The disk behind the log: what it promises about durability, as far as a test can see it, and that files read back.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDisk } from '../../../src/platform/disk.ts'
import type { DiskError } from '../../../src/platform/ports.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-disk-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const done = (
  call: (callback: (error: DiskError | undefined) => void) => void,
): Promise<DiskError | undefined> => new Promise((resolve) => call(resolve))

/** Whether the kernel makes each write to this file durable before it returns (O_DSYNC), by what /proc says of the descriptor. */
function isDurableByItself(path: string): boolean {
  const descriptor = readdirSync('/proc/self/fd').find((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`) === path
    } catch {
      return false
    }
  })
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? ''
  return (Number.parseInt(flags, 8) & 0o10000) !== 0
}

test('a file whose every write is synced has writes that are durable by themselves, any other has not', () => {
  const disk = createDisk(folder)
  const log = disk.open('log', 'sync-each-write')
  const other = disk.open('other')
  expect(isDurableByItself(join(folder, 'log'))).toBe(true)
  expect(isDurableByItself(join(folder, 'other'))).toBe(false)
  log.close()
  other.close()
})

test.each(['sync-each-write', undefined] as const)(
  'what was written, synced and cut reads back (%s), and each call is answered once',
  async (use) => {
    const disk = createDisk(folder)
    const file = disk.open('file', use)
    let answers = 0
    const count = <Value>(value: Value): Value => {
      answers += 1
      return value
    }
    for (let i = 0; i < 3; i++) {
      expect(
        count(await done((callback) => file.write(i * 4, Buffer.from('abcd'), callback))),
      ).toBeUndefined()
      expect(count(await done((callback) => file.sync(callback)))).toBeUndefined()
    }
    expect(count(await done((callback) => file.truncate(10, callback)))).toBeUndefined()
    const both = [done((callback) => file.sync(callback)), done((callback) => file.sync(callback))]
    for (const error of await Promise.all(both)) expect(count(error)).toBeUndefined()
    expect(answers).toBe(9)
    expect([file.size(), Buffer.from(file.read(0, 20)).toString()]).toEqual([10, 'abcdabcdab'])
    file.close()
    expect(Buffer.from(disk.read('file') ?? []).toString()).toBe('abcdabcdab')
  },
)

test('a sync never calls back inside the call', async () => {
  const file = createDisk(folder).open('file', 'sync-each-write')
  await done((callback) => file.write(0, Buffer.from('x'), callback))
  await done((callback) => file.sync(callback))
  const order: string[] = []
  const synced = done((callback) =>
    file.sync((error) => {
      order.push('answered')
      callback(error)
    }),
  )
  order.push('called')
  await synced
  expect(order).toEqual(['called', 'answered'])
  file.close()
})
