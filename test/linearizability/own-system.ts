// Our servers under the harness. Half of the clients ask them by RPC, each server by itself; the others ask the agents beside them
// over HTTP, which choose a server on their own.
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import type { Result } from '../../src/model/errors.ts'
import type { ReadAnswer } from '../../src/model/query.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { systemRandom } from '../../src/platform/random.ts'
import type { Reply as RpcReply } from '../../src/rpc/contract.ts'
import { createGrpcClient, type GrpcClient } from '../../src/rpc/grpc-client.ts'
import { createTrust } from '../../src/wire/x509/chain.ts'
import { OwnCluster, ownPorts } from '../peers/own-cluster.ts'
import { noMetrics, silentLog } from '../simulation/servers.ts'
import { ask, type Reply } from './ask.ts'
import type { EtcdSystemPlan } from './etcd-system.ts'
import type { Answer, Held, StoreClient, SystemUnderTest } from './system.ts'

export async function ownSystem(plan: EtcdSystemPlan): Promise<SystemUnderTest> {
  const cluster = new OwnCluster({ ...plan, hosts: plan.addresses })
  const address = (member: number): string => plan.addresses[member] ?? ''
  return {
    name: 'ours',
    members: plan.addresses.length,
    start: () => cluster.start(),
    stop: () => cluster.stop(),
    leader: () => cluster.leader(1).catch(() => undefined),
    kill: (member) => cluster.server(member).kill(),
    restart: (member) => cluster.server(member).start(),
    pause: (member) => cluster.server(member).pause(),
    resume: (member) => cluster.server(member).resume(),
    client: (member, variant) =>
      variant % 2 === 0
        ? new RpcClient(cluster, address(member))
        : new HttpClient(address(member), cluster.token),
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (text: string): string => Buffer.from(text, 'base64').toString()

/** Codes that promise that nothing was written. */
const withoutEffect = new Set(['no-leader', 'no-server', 'overloaded', 'disk-full'])
const unknown = { kind: 'unknown' } as const

interface EntryJson {
  readonly Value: string | null
  readonly ModifyIndex: number
}

class HttpClient implements StoreClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 })
  private readonly address: string
  private readonly token: string

  constructor(address: string, token: string) {
    this.address = address
    this.token = token
  }

  async read(key: string, timeoutMs: number): Promise<Answer<Held | null>> {
    const reply = await this.send('GET', key, { timeoutMs })
    if (reply?.status === 404 && reply.text === '') return { kind: 'ok', value: null }
    if (reply?.status !== 200) return unknown
    const [entry] = JSON.parse(reply.text) as readonly EntryJson[]
    if (entry === undefined) return unknown
    return { kind: 'ok', value: { value: plain(entry.Value ?? ''), version: String(entry.ModifyIndex) } }
  }

  async write(key: string, value: string, timeoutMs: number): Promise<Answer<true>> {
    return written(await this.send('PUT', key, { body: value, timeoutMs }))
  }

  async swap(
    key: string,
    { version, value }: { readonly version: string | null; readonly value: string },
    timeoutMs: number,
  ): Promise<Answer<boolean>> {
    const reply = await this.send('PUT', `${key}?cas=${version ?? 0}`, { body: value, timeoutMs })
    if (reply?.status === 200) return { kind: 'ok', value: reply.text.trim() === 'true' }
    return refusalOf(reply)
  }

  async remove(key: string, timeoutMs: number): Promise<Answer<true>> {
    return written(await this.send('DELETE', key, { timeoutMs }))
  }

  async list(prefix: string): Promise<Answer<readonly string[]>> {
    const reply = await this.send('GET', `${prefix}?keys`, { timeoutMs: 30_000 })
    return reply?.status === 200
      ? { kind: 'ok', value: JSON.parse(reply.text) as readonly string[] }
      : unknown
  }

  close(): void {
    this.agent.destroy()
  }

  private send(
    method: string,
    path: string,
    { body = '', timeoutMs }: { readonly body?: string; readonly timeoutMs: number },
  ): Promise<Reply | undefined> {
    const target = { agent: this.agent, host: this.address, port: ownPorts.http, timeoutMs }
    return ask(target, { method, path: `/v1/kv/${path}`, headers: { 'X-Consul-Token': this.token }, body })
  }
}

const written = (reply: Reply | undefined): Answer<true> =>
  reply?.status === 200 ? { kind: 'ok', value: true } : refusalOf(reply)

function refusalOf(reply: Reply | undefined): { readonly kind: 'failed' } | typeof unknown {
  const reason = String(reply?.headers['x-mesh-reason'] ?? '')
  return withoutEffect.has(reason) ? { kind: 'failed' } : unknown
}

/** The product's own client, held to one server. */
class RpcClient implements StoreClient {
  private readonly client: GrpcClient
  private readonly token: string

  constructor(cluster: OwnCluster, address: string) {
    this.token = cluster.token
    const { cert, key } = cluster.identity
    const trust = createTrust([rootOf(cluster)])
    if (!trust.ok) throw new Error(trust.failure.message)
    const tls = { certificatePem: String(cert), privateKeyPem: String(key) }
    const identity = { kind: 'host', tls, trust: trust.value, datacenter: 'dc1' } as const
    this.client = createGrpcClient({
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      metrics: noMetrics,
      servers: () => [`${address}:${ownPorts.rpc}`],
      identity: () => identity,
      holdTimeoutMs: 1_000,
    })
  }

  async read(key: string, timeoutMs: number): Promise<Answer<Held | null>> {
    const options = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
    const result = await called<ReadAnswer<'kv.get'>>(timeoutMs, (reply) =>
      this.client.read({ name: 'kv.get', args: { key }, options, token: this.token }, reply),
    )
    if (result?.ok !== true) return unknown
    const { answer } = result.value
    if (answer === null) return { kind: 'ok', value: null }
    return { kind: 'ok', value: { value: plain(answer.value), version: String(answer.modifyIndex) } }
  }

  async write(key: string, value: string, timeoutMs: number): Promise<Answer<true>> {
    const answer = await this.propose({ type: 'kv.set', key, value: base64(value), flags: '0' }, timeoutMs)
    return answer.kind === 'ok' ? { kind: 'ok', value: true } : answer
  }

  swap(
    key: string,
    { version, value }: { readonly version: string | null; readonly value: string },
    timeoutMs: number,
  ): Promise<Answer<boolean>> {
    const casIndex = Number(version ?? 0)
    return this.propose({ type: 'kv.set', key, value: base64(value), flags: '0', casIndex }, timeoutMs)
  }

  async remove(key: string, timeoutMs: number): Promise<Answer<true>> {
    const answer = await this.propose({ type: 'kv.delete', key, recurse: false }, timeoutMs)
    return answer.kind === 'ok' ? { kind: 'ok', value: true } : answer
  }

  async list(prefix: string): Promise<Answer<readonly string[]>> {
    const options = { consistency: 'default', minIndex: 0, waitMs: 0 } as const
    const result = await called<ReadAnswer<'kv.keys'>>(30_000, (reply) =>
      this.client.read(
        { name: 'kv.keys', args: { prefix, separator: '' }, options, token: this.token },
        reply,
      ),
    )
    return result?.ok === true ? { kind: 'ok', value: result.value.answer } : unknown
  }

  close(): void {
    this.client.close()
  }

  /** `ok` says whether the command changed anything. */
  private async propose(
    command: Parameters<GrpcClient['write']>[0]['command'],
    timeoutMs: number,
  ): Promise<Answer<boolean>> {
    const result = await called<{ readonly value: { readonly kind: string } }>(timeoutMs, (reply) =>
      this.client.write({ command, token: this.token }, reply),
    )
    if (result === undefined) return unknown
    if (result.ok) return { kind: 'ok', value: result.value.value.kind !== 'unchanged' }
    return withoutEffect.has(result.failure.code) ? { kind: 'failed' } : unknown
  }
}

function rootOf(cluster: OwnCluster): { readonly trustDomain: string; readonly pem: string } {
  const path = join(cluster.servers.directory, 'a1/data/agent/enrollment.json')
  const { hostRoots } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly hostRoots: readonly { readonly trustDomain: string; readonly certificatePem: string }[]
  }
  const [root] = hostRoots
  if (root === undefined) throw new Error('the agent knows no root')
  return { trustDomain: root.trustDomain, pem: root.certificatePem }
}

function called<Value>(
  timeoutMs: number,
  call: (reply: RpcReply<Value>) => unknown,
): Promise<Result<Value> | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs)
    call((result) => {
      clearTimeout(timer)
      resolve(result)
    })
  })
}
