// Debian's python3-consul, a client that nobody here wrote, elects a leader with sessions and locks through three real servers:
// there is one leader at any time, it stays when our leading server is killed, and another one follows when it stands still.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Child } from '../peers/child.ts'
import { debianProgram } from '../peers/debian.ts'
import { ClusterHost } from '../processes/cluster-hosts.ts'
import { until } from '../processes/fixture.ts'
import { Servers } from '../processes/three-servers.ts'

const library = debianProgram('python3-consul', 'usr/lib/python3/dist-packages/consul')
const python = debianProgram('python3', 'python3')
const isHere = library !== undefined && python !== undefined
const why = 'Debian’s python3-consul or a python3 cannot be had here'

const servers = new Servers()
const alpha = new ClusterHost(servers, 'alpha', 51)
const candidates = new Map<string, Child>()

interface Event {
  readonly event: 'session' | 'elected' | 'led' | 'deposed' | 'unsure' | 'failed'
  readonly name: string
  /** Seconds of the machine's monotonic clock, as `process.hrtime` counts too. */
  readonly at: number
  readonly until?: number
  readonly lock_index?: number
  readonly value?: string
}

/** A session that nobody renews lives for up to twice its ten seconds, on a machine that is busy. */
const patience = { timeoutMs: 60_000 }

const logOf = (name: string): string => join(servers.directory, `${name}.jsonl`)

function eventsOf(name: string): readonly Event[] {
  const lines = readFileSync(logOf(name), 'utf8').split('\n')
  // What stands behind the last line end is half a line.
  return lines.slice(0, -1).flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Event] : []))
}

const now = (): number => Number(process.hrtime.bigint()) / 1e9

/** Who was seen to lead after `since`. */
const leaderSince = (since: number): string | undefined =>
  [...candidates.keys()].find((name) =>
    eventsOf(name).some(({ event, until: to = 0 }) => event === 'led' && to > since),
  )

/** Stretches of time in which a candidate surely led. */
function reigns(name: string): readonly (readonly [from: number, to: number])[] {
  const found: [number, number][] = []
  for (const { event, at, until: to = 0 } of eventsOf(name)) {
    const last = found.at(-1)
    if (event === 'elected') found.push([at, at])
    else if (event === 'led' && last !== undefined) last[1] = Math.max(last[1], to)
  }
  return found
}

beforeAll(async () => {
  if (!isHere) return
  await servers.start()
  await alpha.start('web', servers.addresses)
  await until('alpha’s membership', async () => {
    const checks = (await alpha.get('/v1/health/node/alpha')) as
      | readonly { readonly CheckID: string }[]
      | undefined
    return checks?.some(({ CheckID }) => CheckID === 'serfHealth') === true ? true : undefined
  })
  for (const name of ['one', 'two']) {
    const script = join(import.meta.dirname, 'candidate.py')
    const words = [alpha.address, '8500', servers.operatorToken, name, 'service/leader']
    const candidate = new Child([python.path, script, ...words], logOf(name), {
      ...python.env,
      ...library.env,
    })
    candidates.set(name, candidate)
    candidate.start()
  }
}, 180_000)

afterAll(async () => {
  for (const candidate of candidates.values()) {
    candidate.resume()
    await candidate.kill()
  }
  if (!isHere) return
  await alpha.stop()
  await servers.close()
})

test.skipIf(!isHere)(
  `one candidate leads, also when the leading server is killed${isHere ? '' : `: ${why}`}`,
  async () => {
    const first = await until('a first leader', () => leaderSince(0))
    const killed = await servers.leader()
    const atDeath = now()
    await killed.kill()
    const still = await until('a leader after the death of a server', () => leaderSince(atDeath + 8))
    expect(still).toBe(first)
    expect(eventsOf(first).findLast(({ event }) => event === 'led')).toMatchObject({
      lock_index: 1,
      value: first,
    })
    expect(eventsOf(first).filter(({ event }) => event === 'deposed')).toEqual([])
    killed.start()
  },
  120_000,
)

test.skipIf(!isHere)(
  `the other one follows when the leader stands still, and never do both lead${isHere ? '' : `: ${why}`}`,
  async () => {
    const first = leaderSince(now() - 5)
    const other = [...candidates.keys()].find((name) => name !== first) ?? ''
    candidates.get(first ?? '')?.pause()
    const paused = now()
    expect(await until('the other candidate to lead', () => leaderSince(paused), patience)).toBe(other)
    candidates.get(first ?? '')?.resume()
    await until('the first one to see that it leads no more', () =>
      eventsOf(first ?? '').some(({ event }) => event === 'deposed') ? true : undefined,
    )
    const resumed = now()
    expect(await until('a leader', () => leaderSince(resumed))).toBe(other)
    expect(eventsOf(other).findLast(({ event }) => event === 'led')).toMatchObject({
      lock_index: 2,
      value: other,
    })
    for (const [from, to] of reigns(first ?? ''))
      for (const [otherFrom, otherTo] of reigns(other))
        expect(to < otherFrom || otherTo < from, `${from}-${to} and ${otherFrom}-${otherTo} overlap`).toBe(
          true,
        )
  },
  120_000,
)

test.skipIf(!isHere)(
  `the leader stays the leader when all servers were killed at once${isHere ? '' : `: ${why}`}`,
  async () => {
    const leader = leaderSince(now() - 5)
    const atDeath = now()
    await Promise.all(servers.all.map((server) => server.kill()))
    await servers.startAll()
    expect(await until('a leader', () => leaderSince(atDeath + 5), patience)).toBe(leader)
    expect(eventsOf(leader ?? '').findLast(({ event }) => event === 'led')).toMatchObject({ lock_index: 2 })
  },
  120_000,
)
