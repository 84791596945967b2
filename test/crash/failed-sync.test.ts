// After a failed sync Linux counts the pages as clean: they are read, and never reach the medium. What a restarted server
// believes and promises must therefore be written anew, or the next power cut takes it away.
import { expect, test } from 'vitest'
import type { SimulatedDisk } from '../simulation/disk.ts'
import { SeededRandom } from '../simulation/random.ts'
import { Servers } from '../simulation/servers.ts'

const broken = { code: 'io', message: 'planted' } as const

function alone(): { servers: Servers; disk: SimulatedDisk; write: (word: string) => string } {
  const servers = new Servers({ seed: 1 })
  servers.bootstrap(['a'])
  servers.awaitLeader()
  const write = (word: string): string => {
    let outcome = 'open'
    servers.propose('a', word, (result) => {
      outcome = result.ok ? 'ok' : result.failure.code
    })
    servers.clock.runUntil(() => outcome !== 'open', 100)
    return outcome
  }
  return { servers, disk: servers.machine('a').disk, write }
}

const words = (servers: Servers): readonly string[] =>
  servers.machine('a').ledger.words.map((line) => line.replace(/^\d+ /, ''))

function restart(servers: Servers): void {
  servers.kill('a')
  servers.start('a')
  servers.clock.run(1_000)
}

test('a batch whose sync failed is durable before the restarted server shows it', () => {
  const { servers, disk, write } = alone()
  expect(write('first')).toBe('ok')
  servers.clock.run(100)
  disk.fail('sync', broken)
  expect(write('second')).toBe('write-outcome-unknown')
  restart(servers)
  expect(words(servers)).toEqual(['first', 'second'])
  servers.kill('a')
  disk.crash(new SeededRandom(1), 0)
  servers.start('a')
  servers.clock.run(1_000)
  expect(words(servers)).toEqual(['first', 'second'])
})

test('a torn end whose removal could not be synced does not come back under later writes', () => {
  // Whole or with holes, as the seed has it.
  for (let seed = 0; seed < 10; seed += 1) {
    const { servers, disk, write } = alone()
    expect(write('first')).toBe('ok')
    servers.clock.run(100)
    disk.freeBytes = 3_000
    expect(write('does not fit '.repeat(500))).toBe('open')
    servers.kill('a')
    disk.crash(new SeededRandom(seed), 1)
    disk.heal()
    disk.fail('sync', broken)
    servers.start('a')
    servers.clock.run(1_000)
    expect(servers.machine('a').failure).toMatchObject({ code: 'disk-failed' })
    restart(servers)
    expect(write('x')).toBe('ok')
    servers.kill('a')
    disk.crash(new SeededRandom(1), 0)
    servers.start('a')
    servers.clock.run(1_000)
    expect(servers.machine('a').failure).toBeUndefined()
    expect(words(servers)).toEqual(['first', 'x'])
  }
})
