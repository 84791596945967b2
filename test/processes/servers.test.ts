// Three real servers become one cluster, lose their leader, come back, and start again after all their certificates expired.
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './fixture.ts'
import { OperatorClient } from './operator-client.ts'
import { type ServerProcess, Servers } from './three-servers.ts'

// The shortest life that the configuration allows: certificates are renewed many times in this file, and once they are not.
const servers = new Servers({ settings: 'host_certificate_ttl = "10s"' })
const acknowledged: string[] = []

beforeAll(() => servers.start(), 180_000)
afterAll(() => servers.close())

/** Writes `count` keys at one server, as fast as it takes them; remembers what was acknowledged. */
async function write(at: ServerProcess, label: string, count: number): Promise<number> {
  const client = new OperatorClient(at, servers.operatorToken)
  let done = 0
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const key = `${label}/${i}`
      const result = await client.write({ type: 'kv.set', key, value: '', flags: '0' })
      if (!result.ok) return
      acknowledged.push(key)
      done += 1
    }),
  )
  client.close()
  return done
}

/** What was acknowledged and is not in the state of one server. */
async function missing(at: ServerProcess, consistency: 'default' | 'stale'): Promise<readonly string[]> {
  const client = new OperatorClient(at, servers.operatorToken, 10_000)
  const keys = await client.read('kv.keys', { prefix: '', separator: '' }, consistency)
  client.close()
  if (!keys.ok) throw new Error(keys.failure.message)
  const present = new Set(keys.value.answer)
  return acknowledged.filter((key) => !present.has(key))
}

const running = (): readonly ServerProcess[] => servers.running
const other = (than: ServerProcess): ServerProcess => {
  const found = running().find((server) => server !== than)
  if (found === undefined) throw new Error('no other server runs')
  return found
}

test('the leader is killed: another one leads, nothing acknowledged is lost, and the old one follows when it is back', async () => {
  const first = await servers.leader()
  expect(await write(first, 'before', 300)).toBe(300)
  await first.kill()
  const second = await servers.leader()
  expect(second.name).not.toBe(first.name)
  expect(await write(second, 'after', 100)).toBe(100)
  expect(await missing(second, 'default')).toEqual([])
  first.start()
  await until(`${first.name} to catch up`, async () =>
    (await missing(first, 'stale').catch(() => [''])).length === 0 ? true : undefined,
  )
  expect((await servers.leader()).name).toBe(second.name)
  expect(await missing(first, 'default')).toEqual([])
})

test('a write at a server that does not lead is made by the one that does', async () => {
  const follower = other(await servers.leader())
  expect(await write(follower, 'forwarded', 50)).toBe(50)
  expect(await missing(follower, 'default')).toEqual([])
})

test('a leader that is told to stop hands over before it ends', async () => {
  const leader = await servers.leader()
  const standing = (server: ServerProcess) => server.logged('raft standing')
  const before = new Map(servers.all.map((server) => [server, standing(server).length]))
  await leader.stop()
  const next = await servers.leader()
  expect(next.name).not.toBe(leader.name)
  // Nobody had to wait for an election timeout: the old leader named its successor.
  const since = standing(next).slice(before.get(next))
  expect(since.map(({ role }) => role)).not.toContain('pre-candidate')
  leader.start()
  await until(`${leader.name} to be back`, async () =>
    (await missing(leader, 'stale').catch(() => [''])).length === 0 ? true : undefined,
  )
})

test('all servers were off until all their certificates had expired: they start again', async () => {
  await Promise.all(servers.all.map((server) => server.stop()))
  const certificates = servers.all.map((server) => readFileSync(join(server.data, 'server.crt'), 'utf8'))
  const expiry = Math.max(...certificates.map((pem) => new X509Certificate(pem).validToDate.getTime()))
  await until('the last certificate to expire', () => (Date.now() > expiry + 1_000 ? true : undefined))
  await servers.startAll()
  const leader = await servers.leader()
  expect(await write(leader, 'a year later', 20)).toBe(20)
  expect(await missing(other(leader), 'default')).toEqual([])
  for (const [i, server] of servers.all.entries())
    await until(`${server.name} to have a new certificate`, () => {
      const now = readFileSync(join(server.data, 'server.crt'), 'utf8')
      return now !== certificates[i] && new X509Certificate(now).validToDate.getTime() > Date.now()
        ? true
        : undefined
    })
})

test('a server that names others waits for its token, says what to type, and founds nothing', async () => {
  const fourth = new Servers({ count: 2, directory: join(servers.directory, 'more') }).server('s2')
  try {
    fourth.writeConfiguration()
    fourth.start()
    await until('the socket', async () => {
      const words = await fourth.cli(['status']).catch((error: unknown) => String(error))
      return words.includes('mesh token create -server -node s2') ? true : undefined
    })
    expect(fourth.logged('a new cluster')).toEqual([])
    expect(existsSync(join(fourth.data, 'cluster.key'))).toBe(false)
    const file = join(fourth.directory, 'token')
    const enroll = (token: string): Promise<string> => {
      writeFileSync(file, token)
      return fourth.cli(['enroll', '-server', '-token-file', file, '-config-dir', fourth.configuration])
    }
    const hosts = await servers.operate(['token', 'create', '-node', 's2', '-q'])
    await expect(enroll(hosts)).rejects.toThrow('the token is for a host')
    const others = await servers.operate(['token', 'create', '-server', '-node', 's9', '-q'])
    await expect(enroll(others)).rejects.toThrow('the token is for node "s9"')
    expect(existsSync(join(fourth.data, 'cluster.key'))).toBe(false)
  } finally {
    await fourth.kill()
  }
})

test('what a server was given lies on its disk for nobody else to read', () => {
  for (const server of servers.all)
    for (const file of ['cluster.key', 'server.key', 'server.crt', 'cluster.json'])
      expect(statSync(join(server.data, file)).mode & 0o777, `${server.name} ${file}`).toBe(0o600)
})
