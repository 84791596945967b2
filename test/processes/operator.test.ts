// An operator at work on three real servers: looking, handing leadership over, saving and restoring, taking servers out
// and bringing them back, and what they are told when too many are gone.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OperationName, Operations, RaftServer } from '../../src/rpc/operator.ts'
import { ArchiveReader } from '../../src/wire/snapshot-archive.ts'
import { until } from './fixture.ts'
import { OperatorClient } from './operator-client.ts'
import { type ServerProcess, Servers } from './three-servers.ts'

const servers = new Servers()
/** What a server logs that needs a token. */
const waits = 'this server waits to be admitted'

beforeAll(() => servers.start(), 90_000)
afterAll(() => servers.close())

/** The command as an operator types it at that server. */
const at = (server: ServerProcess, ...args: string[]): Promise<string> =>
  server.cli(args, servers.operatorTokenFile)

/** The same operations without a process for each; undefined where they are refused. */
async function ask<Name extends OperationName>(
  server: ServerProcess,
  name: Name,
  args: Operations[Name]['args'],
): Promise<Operations[Name]['answer'] | undefined> {
  const client = new OperatorClient(server, servers.operatorToken, 1_000)
  const result = await client.operate(name, args)
  client.close()
  return result.ok ? result.value.answer : undefined
}

const peers = async (server: ServerProcess): Promise<readonly RaftServer[]> =>
  (await ask(server, 'raft.configuration', { stale: false }))?.servers ?? []

const leader = (): Promise<ServerProcess> =>
  until('a leader', async () => {
    for (const server of servers.running) {
      const status = await ask(server, 'cluster.status', {})
      const found = servers.running.find((each) => each.address === status?.leader)
      if (found?.program.running === true) return found
    }
    return undefined
  })

const idOf = async (name: string): Promise<string> => {
  const found = (await peers(await leader())).find((peer) => peer.node === name)
  if (found === undefined) throw new Error(`${name} is no peer`)
  return found.id
}

async function follower(): Promise<ServerProcess> {
  const leading = await leader()
  const found = servers.running.find((server) => server !== leading)
  if (found === undefined) throw new Error('no follower runs')
  return found
}

const isHealthy = async (server: ServerProcess, tolerance: number): Promise<true | undefined> => {
  const state = await ask(server, 'autopilot.state', {})
  return state?.isHealthy === tolerance > 0 && state.failureTolerance === tolerance ? true : undefined
}

/** Rows of a snapshot's table of tokens. */
function tokensIn(file: string): number {
  const reader = new ArchiveReader({ onOrigin: () => undefined, onState: () => undefined })
  reader.write(readFileSync(file))
  const summary = reader.finish()
  if (!summary.ok) throw new Error(summary.failure.message)
  return summary.value.tables['enrollments']?.rows ?? 0
}

test('any server lists all of them with names, votes and how far they are', async () => {
  const one = await follower()
  await until('all to be at one index', async () => {
    const found = await peers(one)
    const isEven = new Set(found.map((peer) => peer.lastIndex)).size === 1
    return isEven && found.every((peer) => peer.node !== '') ? true : undefined
  })
  const lines = (await at(one, 'operator', 'raft', 'list-peers')).trim().split('\n')
  expect(lines[0]).toMatch(/^NODE +ID +ADDRESS +STATE +VOTER +INDEX +BEHIND$/)
  const rows = lines.slice(1).map((line) => line.split(/ +/))
  expect(rows.map((row) => row[0]).sort()).toEqual(['s1', 's2', 's3'])
  expect(rows.filter((row) => row[3] === 'leader')).toHaveLength(1)
  expect(rows.map((row) => row[4])).toEqual(['yes', 'yes', 'yes'])
  expect(await at(one, 'status')).toMatch(/leader/)
})

test('autopilot tells of healthy servers, and keeps the rules that an operator sets', async () => {
  const one = await follower()
  await until('a healthy cluster', () => isHealthy(one, 1))
  const state = await at(one, 'operator', 'autopilot', 'state')
  expect(state).toMatch(/^Healthy: yes\nServers that may fail: 1\n/)
  expect(await at(one, 'operator', 'autopilot', 'set-config', '-max-trailing-logs', '500')).toContain(
    'updated',
  )
  const config = await at(await leader(), 'operator', 'autopilot', 'get-config')
  expect(config).toContain('max-trailing-logs = 500')
  // From the configuration of the server that founded the cluster.
  expect(config).toContain('server-stabilization-time = 0s')
})

test('leadership goes to the server that is named, asked at a follower', async () => {
  const one = await follower()
  await at(one, 'operator', 'raft', 'transfer-leader', '-id', await idOf(one.name))
  await until(`${one.name} to lead`, async () => ((await leader()) === one ? true : undefined))
  await expect(at(one, 'operator', 'raft', 'transfer-leader', '-id', 'nobody')).rejects.toThrow(/not-found/)
})

test('a snapshot that was saved at one server is restored through another, and all have it', async () => {
  const file = join(servers.directory, 'one.snapshot')
  const late = join(servers.directory, 'two.snapshot')
  const one = await follower()
  expect(await at(one, 'snapshot', 'save', file)).toMatch(/Saved and verified snapshot to index \d+/)
  const before = tokensIn(file)
  await at(one, 'token', 'create', '-q')
  await at(one, 'snapshot', 'save', late)
  expect(tokensIn(late)).toBe(before + 1)
  const bytes = readFileSync(file)
  expect(bytes.toString()).not.toContain('PRIVATE KEY')
  expect(await at(one, 'snapshot', 'inspect', file)).toMatch(/enrollments +\d/)

  const cut = join(servers.directory, 'cut.snapshot')
  writeFileSync(cut, bytes.subarray(0, bytes.length - 7))
  await expect(at(one, 'snapshot', 'restore', cut)).rejects.toThrow(/snapshot-damaged/)

  expect(await at(one, 'snapshot', 'restore', file)).toMatch(/Restored snapshot of index \d+/)
  for (const server of servers.running)
    await until(`${server.name} to have the old state`, async () => {
      await at(server, 'snapshot', 'save', late, '-stale')
      return tokensIn(late) === before ? true : undefined
    })
  // The cluster goes on: it takes writes, and its servers still know each other.
  await at(one, 'token', 'create', '-q')
  expect((await peers(one)).map((peer) => peer.node).sort()).toEqual(['s1', 's2', 's3'])
}, 90_000)

test('a server with a damaged log names the place, and comes back empty with its name and key', async () => {
  const third = servers.server('s3')
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
  const before = third.logged(waits).length
  const token = join(third.directory, 'token')
  const made = await servers.operate(['token', 'create', '-server', '-node', 's3', '-q'])
  writeFileSync(token, made, { mode: 0o600 })
  third.start()
  await until('s3 to wait', () => (third.logged(waits).length > before ? true : undefined))
  await third.cli(['enroll', '-server', '-token-file', token, '-config-dir', third.configuration])
  const list = await until('s3 to have a vote again', async () => {
    const found = await peers(await leader())
    return found.length === 3 && found.every((peer) => peer.isVoter) ? found : undefined
  })
  expect(list.find((peer) => peer.node === 's3')?.address).toBe(third.address)
}, 120_000)

test('no server is taken out when the others would be no majority', async () => {
  const leading = await leader()
  const [one, victim] = servers.running.filter((server) => server !== leading)
  if (one === undefined || victim === undefined) throw new Error('three servers run')
  await victim.kill()
  await until('the leader to miss it', () => isHealthy(leading, 0))
  await expect(at(leading, 'operator', 'raft', 'remove-peer', '-id', await idOf(one.name))).rejects.toThrow(
    /quorum-at-risk/,
  )
  victim.start()
  await until('it to be back', () => isHealthy(leading, 1))
}, 60_000)

test('without a majority every command says who is missing, and the log does too', async () => {
  const [keeps, ...others] = servers.running
  if (keeps === undefined) throw new Error('no server runs')
  await Promise.all(others.map((server) => server.kill()))
  await until('the loss to be known', async () => {
    const status = await ask(keeps, 'cluster.status', {})
    const missing = status?.servers.filter((server) => server.state === 'missing').length
    return status?.hasQuorum === false && missing === 2 ? true : undefined
  })
  const said = await at(keeps, 'status').catch((error: Error) => error.message)
  expect(said).toContain('no server leads since')
  expect(said).toContain('peers.json')
  const refused = await at(keeps, 'token', 'create', '-q').catch((error: Error) => error.message)
  expect(refused).toContain('no-leader')
  for (const server of others) {
    expect(said).toContain(`${server.name} (${server.address})`)
    expect(refused).toContain(server.address)
  }
  expect(await at(keeps, 'operator', 'raft', 'list-peers', '-stale')).toContain('s2')
  await until('a line in the log', () =>
    keeps.logged('the cluster has no leader').length > 0 ? true : undefined,
  )
  for (const server of others) server.start()
  await leader()
}, 90_000)

test('a server leaves: leadership goes on, the others stay two, and it founds no cluster of its own', async () => {
  const leading = await leader()
  expect(await at(leading, 'leave')).toContain('left the cluster')
  await until('it to end', () => (leading.program.running ? undefined : true))
  const list = await until('two servers', async () => {
    const found = await peers(await leader())
    return found.length === 2 ? found : undefined
  })
  expect(list.map((peer) => peer.node)).not.toContain(leading.name)
  const before = leading.logged(waits).length
  leading.start()
  await until('it to wait', () => (leading.logged(waits).length > before ? true : undefined))
}, 60_000)

test('a server that was taken out while it ran is told so by the others', async () => {
  const leading = await leader()
  const others = (await peers(leading)).filter((peer) => peer.address !== leading.address)
  const victim = servers.running.find((server) => server.address === others[0]?.address)
  if (victim === undefined) throw new Error('a second server runs')
  await until('it to know', async () => {
    const status = await ask(victim, 'cluster.status', {})
    if (status?.advice.join().includes('taken out') === true) return true
    // Refused while the server that the test before took away is still counted; of unknown outcome when a leader is deposed.
    await at(leading, 'operator', 'raft', 'remove-peer', '-address', victim.address).catch(() => undefined)
    return undefined
  })
  expect(victim.logged('this server was taken out of its cluster')).toHaveLength(1)
}, 60_000)
