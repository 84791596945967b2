// One agent of Debian's `serf` and our pool in this process: every byte of either is understood by the other, in clear
// text and encrypted, and neither takes the other for dead.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { PoolEvent } from '../../src/membership/contract.ts'
import { SerfPeer, serfProgram } from '../peers/serf.ts'
import { openTestPool } from '../peers/test-pool.ts'

if (serfProgram === undefined) process.stderr.write('serf-wire: skipped, Debian’s serf cannot be had here\n')

const key = Buffer.alloc(16, 5).toString('base64')
const port = 7_946
let hosts = 0

const closing: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const nextAddress = (): string => {
  hosts += 1
  return `127.77.${process.pid % 200}.${hosts}`
}

async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe.skipIf(serfProgram === undefined).each([
  ['in clear text', undefined],
  ['encrypted', key],
])('a pool with Debian’s serf, %s', (_name, poolKey) => {
  test('is joined from either side, probes with coordinates, and drops no packet', async () => {
    const options = poolKey === undefined ? {} : { key: poolKey }
    const peer = new SerfPeer({ node: 'peer-1', address: nextAddress(), ...options })
    closing.push(() => peer.kill())
    await eventually('serf answers', async () => (await peer.members()).size > 0)
    const folder = mkdtempSync(join(tmpdir(), 'serf-wire-'))
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    const address = nextAddress()
    const { pool } = await openTestPool({
      node: 'ours-1',
      address,
      port,
      key: poolKey,
      folder,
      profile: 'lan',
    })
    closing.push(() => pool.close())
    const events: PoolEvent[] = []
    pool.onEvent((event) => events.push(event))

    await peer.command('join', `${address}:${port}`)
    await eventually('both see both', async () => {
      const seen = await peer.members()
      return seen.get('ours-1') === 'alive' && pool.member('peer-1')?.presence === 'alive'
    })
    expect(await peer.command('members')).toMatch(/ours-1\s.*role=mesh/)
    await eventually('both know how far they are apart', async () => {
      const text = await peer.command('rtt', 'ours-1').catch(() => '')
      return text.includes('rtt:') && pool.roundTripMs('ours-1', 'peer-1') !== undefined
    })
    await peer.command('event', 'deploy', 'v1')
    await eventually('its event arrives', () =>
      events.some((event) => event.type === 'user-event' && event.name === 'deploy'),
    )
    expect(events.map(({ type }) => type)).not.toContain('member-failed')
    expect(peer.output).not.toMatch(/Suspect|member-failed|\[ERR\]/)
    for (const reason of ['malformed', 'checksum', 'wrong-key', 'clear-text', 'encrypted'] as const)
      expect(pool.drops.count(reason)).toBe(0)

    await peer.command('leave')
    await eventually('its leave is seen', () => pool.member('peer-1')?.presence === 'left')
  })
})
