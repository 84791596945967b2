// An operator at work on three real servers: looking, handing leadership over, saving and restoring, taking servers out
// and bringing them back, and what they are told when too many are gone.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './fixture.ts'
import { type ServerProcess, Servers } from './three-servers.ts'

const servers = new Servers()

interface Peer {
  readonly Node: string
  readonly ID: string
  readonly Address: string
  readonly Leader: boolean
  readonly Voter: boolean
  readonly LastIndex: number
}

beforeAll(() => servers.start(), 90_000)
afterAll(() => servers.close())

const at = (server: ServerProcess, ...args: string[]): Promise<string> =>
  server.cli(args, servers.operatorTokenFile)

const peers = async (server: ServerProcess, ...more: string[]): Promise<readonly Peer[]> =>
  JSON.parse(await at(server, 'operator', 'raft', 'list-peers', '-o', 'json', ...more)) as readonly Peer[]

const idOf = async (name: string): Promise<string> => {
  const found = (await peers(await servers.leader())).find((peer) => peer.Node === name)
  if (found === undefined) throw new Error(`${name} is no peer`)
  return found.ID
}

async function follower(): Promise<ServerProcess> {
  const leader = await servers.leader()
  const found = servers.running.find((server) => server !== leader)
  if (found === undefined) throw new Error('no follower runs')
  return found
}

const tokenCount = async (file: string): Promise<number> => {
  const text = await (await servers.leader()).cli(['snapshot', 'inspect', file, '-o', 'json'])
  const tables = (JSON.parse(text) as { Tables: Record<string, { Rows: number }> }).Tables
  return tables['enrollments']?.Rows ?? 0
}

test('any server lists all of them with names, votes and how far they are', async () => {
  const one = await follower()
  const list = await until('all to be at one index', async () => {
    const found = await peers(one)
    return new Set(found.map((peer) => peer.LastIndex)).size === 1 &&
      found.every((peer) => peer.Node !== '(unknown)')
      ? found
      : undefined
  })
  expect(list.map((peer) => peer.Node).sort()).toEqual(['s1', 's2', 's3'])
  expect(list.filter((peer) => peer.Leader)).toHaveLength(1)
  expect(list.every((peer) => peer.Voter && peer.LastIndex > 0)).toBe(true)
  expect(await at(one, 'status')).toMatch(/leader/)
})

test('autopilot tells of healthy servers, and keeps the rules that an operator sets', async () => {
  const one = await follower()
  await until('a healthy cluster', async () =>
    (await at(one, 'operator', 'autopilot', 'state')).startsWith('Healthy: yes\nServers that may fail: 1\n')
      ? true
      : undefined,
  )
  expect(await at(one, 'operator', 'autopilot', 'set-config', '-max-trailing-logs', '500')).toContain(
    'updated',
  )
  const config = await at(await servers.leader(), 'operator', 'autopilot', 'get-config')
  expect(config).toContain('max-trailing-logs = 500')
  // From the configuration of the server that founded the cluster.
  expect(config).toContain('server-stabilization-time = 0s')
})

test('leadership goes to the server that is named, asked at a follower', async () => {
  const one = await follower()
  await at(one, 'operator', 'raft', 'transfer-leader', '-id', await idOf(one.name))
  await until(`${one.name} to lead`, async () => ((await servers.leader()) === one ? true : undefined))
  await expect(at(one, 'operator', 'raft', 'transfer-leader', '-id', 'nobody')).rejects.toThrow(/not-found/)
})

test('a snapshot that was saved at one server is restored through another, and all have it', async () => {
  const file = join(servers.directory, 'one.snapshot')
  const late = join(servers.directory, 'two.snapshot')
  const one = await follower()
  expect(await at(one, 'snapshot', 'save', file)).toMatch(/Saved and verified snapshot to index \d+/)
  const before = await tokenCount(file)
  await at(one, 'token', 'create', '-q')
  await at(one, 'snapshot', 'save', late)
  expect(await tokenCount(late)).toBe(before + 1)
  const text = readFileSync(file)
  expect(text.toString()).not.toContain('PRIVATE KEY')

  const cut = join(servers.directory, 'cut.snapshot')
  writeFileSync(cut, text.subarray(0, text.length - 7))
  await expect(at(one, 'snapshot', 'restore', cut)).rejects.toThrow(/snapshot-damaged/)

  expect(await at(one, 'snapshot', 'restore', file)).toMatch(/Restored snapshot of index \d+/)
  for (const server of servers.running)
    await until(`${server.name} to have the old state`, async () => {
      await at(server, 'snapshot', 'save', late, '-stale')
      return (await tokenCount(late)) === before ? true : undefined
    })
  // The cluster goes on: it takes writes, and its servers still know each other.
  await at(one, 'token', 'create', '-q')
  expect((await peers(one)).map((peer) => peer.Node).sort()).toEqual(['s1', 's2', 's3'])
}, 90_000)

test('a server with a damaged log names it, and comes back empty with its name and key', async () => {
  const third = servers.server('s3')
  if ((await servers.leader()) === third) await at(third, 'operator', 'raft', 'transfer-leader')
  await third.stop()
  const wal = join(third.data, 'wal')
  const [segment = ''] = readdirSync(wal)
  const bytes = readFileSync(join(wal, segment))
  bytes[200] = (bytes[200] ?? 0) ^ 0xff
  writeFileSync(join(wal, segment), bytes)
  third.start()
  await until('the start to be refused', () => (third.program.running ? undefined : true))
  const [line] = third.logged('this server does not start').slice(-1)
  expect(line).toMatchObject({ code: 'log-damaged' })
  expect(String(line?.['reason'])).toContain('damaged at index')

  const said = await third.cli(['operator', 'raft', 'rejoin', '-config-dir', third.configuration])
  expect(said).toContain('nothing was deleted')
  const before = third.logged('this server waits to be admitted').length
  const token = join(third.directory, 'token')
  writeFileSync(token, await servers.operate(['token', 'create', '-server', '-node', 's3', '-q']), {
    mode: 0o600,
  })
  third.start()
  await until('s3 to wait', () =>
    third.logged('this server waits to be admitted').length > before ? true : undefined,
  )
  await third.cli(['enroll', '-server', '-token-file', token, '-config-dir', third.configuration])
  const list = await until('s3 to have a vote again', async () => {
    const found = await peers(await servers.leader()).catch(() => [])
    return found.length === 3 && found.every((peer) => peer.Voter) ? found : undefined
  })
  expect(list.find((peer) => peer.Node === 's3')?.Address).toBe(third.address)
}, 120_000)

test('no server is taken out when the others would be no majority', async () => {
  const one = await follower()
  const other = servers.running.find((server) => server !== one && server.name !== 's1')
  const leader = await servers.leader()
  const victim = servers.running.find((server) => server !== leader && server !== one) ?? other
  if (victim === undefined) throw new Error('no third server')
  await victim.kill()
  await until('the leader to miss it', async () => {
    const state = await at(leader, 'operator', 'autopilot', 'state')
    return state.startsWith('Healthy: no\nServers that may fail: 0') ? true : undefined
  })
  await expect(at(leader, 'operator', 'raft', 'remove-peer', '-id', await idOf(one.name))).rejects.toThrow(
    /quorum-at-risk/,
  )
  victim.start()
  await until('it to be back', async () =>
    (await at(leader, 'operator', 'autopilot', 'state').catch(() => '')).startsWith('Healthy: yes')
      ? true
      : undefined,
  )
}, 60_000)

test('without a majority every command says who is missing, and the log does too', async () => {
  const [keeps, ...others] = servers.running
  if (keeps === undefined) throw new Error('no server runs')
  await Promise.all(others.map((server) => server.kill()))
  const said = await until('the loss to be told', async () => {
    const text = await at(keeps, 'status').catch((error: Error) => error.message)
    return text.includes('no server leads since') ? text : undefined
  })
  for (const server of others) expect(said).toMatch(new RegExp(`${server.name} \\(${server.address}\\)`))
  expect(said).toContain('peers.json')
  const refused = await at(keeps, 'token', 'create', '-q').catch((error: Error) => error.message)
  expect(refused).toContain('no-leader')
  for (const server of others) expect(refused).toContain(server.address)
  expect(await peers(keeps, '-stale')).toHaveLength(3)
  await until('a line in the log', () =>
    keeps.logged('the cluster has no leader').length > 0 ? true : undefined,
  )
  for (const server of others) server.start()
  await servers.leader()
}, 90_000)

test('a server leaves: leadership goes on, the others stay two, and it does not found a cluster of its own', async () => {
  const leader = await servers.leader()
  expect(await at(leader, 'leave')).toContain('left the cluster')
  await until('it to end', () => (leader.program.running ? undefined : true))
  const next = await servers.leader()
  const list = await until('two servers', async () => {
    const found = await peers(next)
    return found.length === 2 ? found : undefined
  })
  expect(list.map((peer) => peer.Node)).not.toContain(leader.name)
  const before = leader.logged('this server waits to be admitted').length
  leader.start()
  await until('it to wait', () =>
    leader.logged('this server waits to be admitted').length > before ? true : undefined,
  )
}, 60_000)
