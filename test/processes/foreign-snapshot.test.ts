// All servers of a cluster are lost; its snapshot and its cluster key bring it back on a new server.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './fixture.ts'
import { Servers } from './three-servers.ts'

const lost = new Servers({ count: 1 })
const fresh = new Servers({ count: 2 })
const [old] = lost.all
const [first, second] = fresh.all

beforeAll(async () => {
  await lost.start()
  first?.writeConfiguration()
  first?.start()
  await fresh.leader()
}, 60_000)
afterAll(async () => {
  await lost.close()
  await fresh.close()
})

test('with the old key the new server becomes the old cluster, and lets a further server in as that', async () => {
  if (old === undefined || first === undefined || second === undefined) throw new Error('servers are planned')
  const file = join(fresh.directory, 'old.snapshot')
  const key = join(fresh.directory, 'old.key')
  const oldToken = join(fresh.directory, 'old.token')
  await old.cli(['snapshot', 'save', file], lost.operatorTokenFile)
  copyFileSync(join(old.data, 'cluster.key'), key)
  copyFileSync(lost.operatorTokenFile, oldToken)
  await old.kill()

  const restore = ['snapshot', 'restore', file]
  await expect(first.cli(restore, fresh.operatorTokenFile)).rejects.toThrow(/snapshot-foreign[\s\S]*cluster/)
  const said = await first.cli([...restore, '-cluster-key-file', key], fresh.operatorTokenFile)
  expect(said).toContain('Restored snapshot')

  // The operators are those of the old cluster.
  await expect(first.cli(['token', 'create', '-q'], fresh.operatorTokenFile)).rejects.toThrow(/bad-token/)
  const token = join(second.directory, 'token')
  writeFileSync(token, await first.cli(['token', 'create', '-server', '-node', 's2', '-q'], oldToken), {
    mode: 0o600,
  })
  second.writeConfiguration()
  second.start()
  await until('s2 to wait', () =>
    second.logged('this server waits to be admitted').length > 0 ? true : undefined,
  )
  await second.cli(['enroll', '-server', '-token-file', token, '-config-dir', second.configuration])
  await until('two voters', async () => {
    const list = await first.cli(['operator', 'raft', 'list-peers'], oldToken)
    return list.match(/ yes /g)?.length === 2 ? true : undefined
  })
  // It starts again with what it was given.
  await first.stop()
  first.start()
  await until('both again', async () => {
    const list = await first.cli(['operator', 'raft', 'list-peers'], oldToken).catch(() => '')
    return list.includes('leader') ? true : undefined
  })
  await first.cli(['token', 'create', '-q'], oldToken)
}, 120_000)
