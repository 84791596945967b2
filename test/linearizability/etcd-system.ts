// etcd under the harness: three members, asked through each member's JSON gateway.
import { Agent } from 'node:http'
import { join } from 'node:path'
import { EtcdCluster, etcdPorts } from '../peers/etcd.ts'
import { ask, type Reply } from './ask.ts'
import type { Answer, Held, StoreClient, SystemUnderTest } from './system.ts'

export interface EtcdSystemPlan {
  readonly directory: string
  readonly addresses: readonly string[]
  readonly prefix: (member: number) => readonly string[]
}

/** undefined where etcd is not installed. */
export async function etcdSystem(plan: EtcdSystemPlan): Promise<SystemUnderTest | undefined> {
  const cluster = await EtcdCluster.plan({ ...plan, directory: join(plan.directory, 'etcd') })
  if (cluster === undefined) return undefined
  const processOf = (member: number) => {
    const found = cluster.members[member]
    if (found === undefined) throw new Error(`etcd has no member ${member}`)
    return found.process
  }
  return {
    name: 'etcd',
    members: plan.addresses.length,
    start: () => cluster.start(),
    stop: () => cluster.stop(),
    leader: () => cluster.leader(1).catch(() => undefined),
    kill: (member) => processOf(member).kill(),
    restart: (member) => processOf(member).start(),
    pause: (member) => processOf(member).pause(),
    resume: (member) => processOf(member).resume(),
    client: (member) => new EtcdClient(plan.addresses[member] ?? ''),
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (text: string): string => Buffer.from(text, 'base64').toString()

interface RangeReply {
  readonly kvs?: readonly { readonly key: string; readonly value: string; readonly mod_revision: string }[]
}

class EtcdClient implements StoreClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 })
  private readonly address: string

  constructor(address: string) {
    this.address = address
  }

  async read(key: string, timeoutMs: number): Promise<Answer<Held | null>> {
    const reply = await this.post('range', { key: base64(key) }, timeoutMs)
    if (reply?.status !== 200) return { kind: 'unknown' }
    const [found] = (JSON.parse(reply.text) as RangeReply).kvs ?? []
    return {
      kind: 'ok',
      value: found === undefined ? null : { value: plain(found.value), version: found.mod_revision },
    }
  }

  async write(key: string, value: string, timeoutMs: number): Promise<Answer<true>> {
    return done(await this.post('put', { key: base64(key), value: base64(value) }, timeoutMs))
  }

  async swap(
    key: string,
    { version, value }: { readonly version: string | null; readonly value: string },
    timeoutMs: number,
  ): Promise<Answer<boolean>> {
    const named = { key: base64(key), result: 'EQUAL' }
    const compare =
      version === null
        ? { ...named, target: 'VERSION', version: '0' }
        : { ...named, target: 'MOD', mod_revision: version }
    const success = [{ request_put: { key: base64(key), value: base64(value) } }]
    const reply = await this.post('txn', { compare: [compare], success }, timeoutMs)
    if (reply?.status !== 200) return { kind: 'unknown' }
    return { kind: 'ok', value: (JSON.parse(reply.text) as { succeeded?: boolean }).succeeded === true }
  }

  async remove(key: string, timeoutMs: number): Promise<Answer<true>> {
    return done(await this.post('deleterange', { key: base64(key) }, timeoutMs))
  }

  async list(prefix: string): Promise<Answer<readonly string[]>> {
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
    const reply = await this.post(
      'range',
      { key: base64(prefix), range_end: base64(end), keys_only: true },
      30_000,
    )
    if (reply?.status !== 200) return { kind: 'unknown' }
    return {
      kind: 'ok',
      value: ((JSON.parse(reply.text) as RangeReply).kvs ?? []).map(({ key }) => plain(key)),
    }
  }

  close(): void {
    this.agent.destroy()
  }

  private post(call: string, body: unknown, timeoutMs: number): Promise<Reply | undefined> {
    const { agent, address } = this
    const target = { agent, host: address, port: etcdPorts.plain, timeoutMs }
    return ask(target, { method: 'POST', path: `/v3/kv/${call}`, headers: {}, body: JSON.stringify(body) })
  }
}

/** Its errors do not say whether a write took place: all of them leave it open. */
const done = (reply: Reply | undefined): Answer<true> =>
  reply?.status === 200 ? { kind: 'ok', value: true } : { kind: 'unknown' }
