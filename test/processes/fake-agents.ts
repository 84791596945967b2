// Many agents in one process: each enrolled as a host of its own, with its own mTLS connection and control stream to the
// real server. They follow the intentions of one destination and acknowledge what they get, as an agent with a proxy would.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientIdentityOf } from '../../src/agent/enrollment/client-identity.ts'
import { HostEnrollment } from '../../src/agent/enrollment/enrollment.ts'
import type { HostIdentity } from '../../src/agent/enrollment/identity-files.ts'
import type { LocalMesh } from '../../src/command/dev/mesh.ts'
import { type Result, unwrap } from '../../src/model/errors.ts'
import { uuidFromBytes } from '../../src/model/ids.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { systemRandom } from '../../src/platform/random.ts'
import type { ClientIdentity } from '../../src/rpc/channel-credentials.ts'
import type { AgentFrame, FrameStream, Reply, ServerFrame } from '../../src/rpc/contract.ts'
import { enrollmentHash, makeEnrollmentToken, parseEnrollmentToken } from '../../src/rpc/enrollment-token.ts'
import { createGrpcClient, type GrpcClient } from '../../src/rpc/grpc-client.ts'
import { noMetrics, silentLog } from '../simulation/servers.ts'
import { MemoryFiles } from '../unit/ca/ports.ts'
import { until } from './fixture.ts'

const machine = { clock: systemClock, random: systemRandom, log: silentLog, metrics: noMetrics }

function clientOf(servers: readonly string[], identity: ClientIdentity): GrpcClient {
  return createGrpcClient({
    ...machine,
    servers: () => servers,
    identity: () => identity,
    holdTimeoutMs: 10_000,
  })
}

const called = <Value>(call: (reply: Reply<Value>) => unknown): Promise<Value> =>
  new Promise((resolve, reject) => {
    call((result: Result<Value>) => {
      try {
        resolve(unwrap(result))
      } catch (error) {
        reject(error)
      }
    })
  })

export interface FakeCluster {
  /** Of one server, for operators. */
  readonly socket: string
  readonly operatorToken: string
  /** RPC addresses; agents take turns. */
  readonly servers: readonly string[]
}

export function clusterOf(mesh: LocalMesh): FakeCluster {
  return {
    socket: join(mesh.plan.directory, 'server/run/server.sock'),
    operatorToken: readFileSync(mesh.operatorTokenFile, 'utf8').trim(),
    servers: [`${mesh.plan.serverAddress}:8300`],
  }
}

export class FakeAgents {
  /** Index of the last event of each agent; what it has acknowledged. */
  readonly indexes: number[] = []
  private readonly clients: GrpcClient[] = []

  /** Enrolls `count` hosts and connects them; resolves when each has seen the intentions of `destination`. */
  static async connect(cluster: FakeCluster, count: number, destination: string): Promise<FakeAgents> {
    const agents = new FakeAgents()
    const admin = clientOf([`unix:${cluster.socket}`], { kind: 'pinned', pin: '' })
    const token = cluster.operatorToken
    try {
      const names = Array.from({ length: count }, (_, i) => `fake-${i}`)
      const identities = await Promise.all(names.map((name) => enroll(admin, token, name)))
      for (const [i, identity] of identities.entries()) agents.follow(cluster, identity, { i, destination })
      await until('every fake agent to have the intentions', () =>
        agents.indexes.filter((index) => index > 0).length === count ? true : undefined,
      )
      return agents
    } finally {
      admin.close()
    }
  }

  close(): void {
    for (const client of this.clients) client.close()
  }

  private follow(
    cluster: FakeCluster,
    identity: HostIdentity,
    { i, destination }: { readonly i: number; readonly destination: string },
  ): void {
    const { servers } = cluster
    const client = clientOf([servers[i % servers.length] ?? ''], unwrap(clientIdentityOf(identity)))
    this.clients.push(client)
    this.indexes[i] = 0
    const stream: FrameStream<AgentFrame, ServerFrame> = client.control()
    const seen = (index: number): void => {
      this.indexes[i] = index
      stream.send({ kind: 'enforced', destination, indexes: [index] })
    }
    stream.listen({
      onFrame: (frame) => {
        if (frame.kind === 'event' || frame.kind === 'snapshot-end') seen(frame.index)
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    })
    const { node, nodeId } = identity
    stream.send({ kind: 'hello', node, nodeId, version: 'test', minVersion: 1, maxVersion: 1 })
    stream.send({ kind: 'subscribe', subject: { topic: 'intentions', key: destination }, cursor: 0 })
  }
}

async function enroll(admin: GrpcClient, operatorToken: string, node: string): Promise<HostIdentity> {
  const read = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
  const { answer } = await called<{ readonly answer: Parameters<typeof makeEnrollmentToken>[0] }>((reply) =>
    admin.read({ name: 'mesh.join', args: {}, options: read, token: operatorToken }, reply),
  )
  const token = unwrap(parseEnrollmentToken(makeEnrollmentToken(answer, systemRandom.bytes(32), node)))
  const enrollment = {
    tokenHash: enrollmentHash(token.secret),
    node,
    services: ['backend'],
    expiresAtMs: systemClock.wallMs() + 600_000,
    createdBy: 'test',
  }
  await called((reply) =>
    admin.write({ command: { type: 'enrollment.create', enrollment }, token: operatorToken }, reply),
  )
  const host = unwrap(
    HostEnrollment.open({
      ...machine,
      files: new MemoryFiles(),
      node,
      nodeId: uuidFromBytes(systemRandom.bytes(16)),
    }),
  )
  return called<HostIdentity>((reply) => host.enroll(token, admin, reply))
}
