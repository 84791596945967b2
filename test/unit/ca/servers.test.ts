// Further servers come in: by a token for servers only, once, first as learners, with the key that the configuration records.
import { expect, test } from 'vitest'
import type { ClusterChange, ClusterConfiguration } from '../../../src/model/cluster.ts'
import { failed, ok, type Result } from '../../../src/model/errors.ts'
import { type LogIndex, logIndex, nodeId } from '../../../src/model/ids.ts'
import { changeConfiguration } from '../../../src/raft/membership.ts'
import type { Peer, ServerAdmission } from '../../../src/rpc/contract.ts'
import { enrollmentHash } from '../../../src/rpc/enrollment-token.ts'
import { type JoiningOptions, joinCluster } from '../../../src/server/ca/joining.ts'
import { openServerKey } from '../../../src/server/ca/own-certificate.ts'
import { readServerFiles } from '../../../src/server/ca/server-files.ts'
import { Servers } from '../../../src/server/ca/servers.ts'
import { publicKeyPem } from '../../../src/wire/x509/keys.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { makeCluster } from './cluster.ts'
import { MemoryFiles, RecordingLog } from './ports.ts'

const leaderId = nodeId('aaaaaaaa-0000-4000-8000-000000000001')
const newId = 'bbbbbbbb-0000-4000-8000-000000000002'
const stranger: Peer = { certificates: [], address: '192.0.2.9' }
const anyServer: Peer = { certificates: [], address: '192.0.2.10' }

/** The leader of a cluster of one. */
function leading(clock = new VirtualClock()) {
  const cluster = makeCluster({ clock })
  let configuration: ClusterConfiguration = {
    servers: [{ id: leaderId, address: '10.0.0.1:8300', suffrage: 'voter', publicKey: 'pem' }],
  }
  const state = { role: 'leader', leader: leaderId as typeof leaderId | undefined, busy: 0 }
  const changes: ClusterChange[] = []
  const passedOn: string[] = []
  const announced: { atIndex: number | undefined } = { atIndex: undefined }
  const servers = new Servers({
    ...cluster,
    consensus: {
      status: () => ({ ...state, id: leaderId }) as never,
      configuration: () => configuration,
      change: (change, done: (result: Result<LogIndex>) => void) => {
        if (state.busy > 0) {
          state.busy -= 1
          done(failed('conflict', 'another change is under way'))
          return
        }
        changes.push(change)
        const next = changeConfiguration(configuration, change)
        if (next.ok) configuration = next.value
        done(next.ok ? ok(logIndex(9)) : next)
      },
    },
    server: 's1',
    view: () => cluster.state,
    clock,
    passOn: (leader, _request, done) => {
      passedOn.push(leader)
      done(failed('token-unknown', 'said the leader'))
    },
    serverNamed: (node) => (node === 's1' ? leaderId : undefined),
    announcedAt: () => announced.atIndex,
    isServer: (peer) => peer === anyServer,
  })
  const token = (more: { readonly node?: string; readonly role?: 'host' | 'server' } = {}) => {
    const made = cluster.makeToken({ services: [] })
    const hash = enrollmentHash(made.secret)
    const row = cluster.state.enrollments.get(hash)
    const { node = '', role = 'server' } = more
    if (row !== undefined) cluster.state.enrollments.set(hash, { ...row, role, node })
    return { ...made, node, ...(role === 'server' ? { role } : {}) }
  }
  return {
    cluster,
    servers,
    state,
    changes,
    passedOn,
    announced,
    token,
    clock,
    configuration: () => configuration,
  }
}

type Leading = ReturnType<typeof leading>

/** A server that joins, with its files. */
function newcomer(at: Leading, more: Partial<JoiningOptions> = {}) {
  const files = new MemoryFiles()
  const options: JoiningOptions = {
    files,
    id: newId,
    node: 's2',
    datacenter: 'dc1',
    address: '10.0.0.2:8300',
    servers: [],
    clock: at.clock,
    log: new RecordingLog(),
    ask: (_target, request, reply) => at.servers.enrollServer(stranger, request, reply),
    ...more,
  }
  return { files, options }
}

function join(options: JoiningOptions, token: ReturnType<Leading['token']>): string {
  let outcome = 'nothing yet'
  joinCluster(options, token, (result) => {
    outcome = result.ok ? 'ok' : result.failure.code
  })
  return outcome
}

test('a new server is recorded as a learner with its key and gets everything that a server has', () => {
  const at = leading()
  const { files, options } = newcomer(at)
  expect(join(options, at.token())).toBe('ok')
  const key = openServerKey(files)
  if (!key.ok) throw new Error(key.failure.message)
  const row = { id: newId, address: '10.0.0.2:8300', suffrage: 'learner', publicKey: publicKeyPem(key.value) }
  expect(at.configuration().servers).toContainEqual(row)
  expect(files.read('cluster.key')).toEqual(Uint8Array.from(at.cluster.clusterKey))
  const kept = readServerFiles(files)
  expect(kept.ok && kept.value?.clusterId).toBe(at.cluster.state.settings()?.clusterId)
  expect(kept.ok && kept.value?.hasState, 'it has no log yet').toBeUndefined()
  expect(at.cluster.log.lines.join('\n')).not.toContain(Buffer.from(at.cluster.clusterKey).toString('base64'))
})

test('a token is good for one server; the same server may ask again with its key', () => {
  const at = leading()
  const token = at.token()
  const { options } = newcomer(at)
  expect(join(options, token)).toBe('ok')
  expect(join({ ...options, files: new MemoryFiles(), id: newId.replace('b', 'c') }, token)).toBe(
    'token-used',
  )
  expect(at.configuration().servers).toHaveLength(2)
})

test('a server that was in the cluster does not come back with the token that it came in with', () => {
  const at = leading()
  const token = at.token()
  const { options } = newcomer(at)
  expect(join(options, token)).toBe('ok')
  expect(join(options, token), 'the answer was lost').toBe('ok')
  at.announced.atIndex = 5
  const changes = at.changes.length
  expect(join(options, token)).toBe('token-used')
  expect(at.changes).toHaveLength(changes)
  expect(join(options, at.token()), 'a new token').toBe('ok')
})

test.each([
  ['a host’s token', { role: 'host' as const }, 'bad-token'],
  ['a token for another node', { node: 's9' }, 'bad-token'],
])('%s lets no server in, and nothing is changed or written', (_what, more, code) => {
  const at = leading()
  const { files, options } = newcomer(at)
  const token = { ...at.token(more), role: 'server' as const, node: '' }
  expect(join(options, token)).toBe(code)
  expect(at.changes).toEqual([])
  expect([...files.files.keys()]).toEqual(['server.key'])
})

test('a server id that is in the cluster with another key must be removed first; the token stays good', () => {
  const at = leading()
  const first = newcomer(at)
  expect(join(first.options, at.token())).toBe('ok')
  const token = at.token()
  const again = newcomer(at)
  expect(join(again.options, token)).toBe('node-name-taken')
  expect(at.cluster.state.enrollment(enrollmentHash(token.secret))?.usedBy).toBe('')
})

test('a server with the name of one that is there is refused; the token stays good', () => {
  const at = leading()
  const token = at.token()
  const { options } = newcomer(at, { node: 's1' })
  expect(join(options, token)).toBe('node-name-taken')
  expect(at.changes).toEqual([])
  expect(join({ ...options, node: 's2' }, token)).toBe('ok')
})

test('while another change of the cluster is under way the new server waits for its turn', () => {
  const at = leading()
  at.state.busy = 3
  const { options } = newcomer(at)
  let outcome = ''
  joinCluster(options, at.token(), (result) => {
    outcome = result.ok ? 'ok' : result.failure.code
  })
  expect(outcome).toBe('')
  at.clock.run(1_000)
  expect(outcome).toBe('ok')
})

test('a server that does not lead passes the call on once, and says so where nobody leads', () => {
  const at = leading()
  at.state.role = 'follower'
  const { options } = newcomer(at)
  expect(join(options, at.token()), 'the leader’s answer').toBe('token-unknown')
  expect(at.passedOn).toEqual([leaderId])
  const fromServer = {
    ...options,
    ask: ((_t, request, reply) =>
      at.servers.enrollServer(anyServer, request, reply)) as JoiningOptions['ask'],
  }
  expect(join(fromServer, at.token())).toBe('no-leader')
  at.state.leader = undefined
  expect(join(options, at.token())).toBe('no-leader')
  expect(at.passedOn).toHaveLength(1)
})

test('servers that are not there are passed over, those of the configuration come after those of the token', () => {
  const at = leading()
  const asked: string[] = []
  const { options } = newcomer(at, {
    servers: ['10.0.0.3:8300', '10.0.0.1:8300'],
    ask: ({ address }, request, reply) => {
      asked.push(address)
      if (address === '10.0.0.1:8300') at.servers.enrollServer(stranger, request, reply)
      else reply(failed('no-server', 'not there'))
    },
  })
  expect(join(options, { ...at.token(), servers: ['10.0.0.9:8300'] })).toBe('ok')
  expect(asked).toEqual(['10.0.0.9:8300', '10.0.0.3:8300', '10.0.0.1:8300'])
})

test('an answer whose certificate is for another key is not taken, and leaves nothing behind', () => {
  const at = leading()
  const wrong: { answer?: Result<ServerAdmission> } = {}
  const other = newcomer(at)
  join(
    {
      ...other.options,
      ask: (_t, request, reply) =>
        at.servers.enrollServer(stranger, request, (result) => {
          wrong.answer = result
          reply(result)
        }),
    },
    at.token(),
  )
  const { files, options } = newcomer(at, {
    ask: (_t, _request, reply) => reply(wrong.answer ?? failed('internal', '')),
  })
  expect(join(options, at.token())).toBe('wrong-cluster')
  expect(files.read('cluster.key')).toBeUndefined()
})
