// Our three servers for the benchmarks, by RPC as an agent calls them, with one agent that goes to the leader for HTTP. The agent is a process of its own that passes
// requests on to a server, and its CPU counts.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readRequestCodec, writeRequestCodec } from '../../../src/rpc/call-codec.ts'
import { callFrameCodec, callsPath } from '../../../src/rpc/call-frame.ts'
import { OwnCluster, ownPorts } from '../../peers/own-cluster.ts'
import { CallStreamConnection } from '../load/call-stream-connection.ts'
import { pause } from '../load/closed-loop.ts'
import { Http1Connection, httpRequest } from '../load/http1-connection.ts'
import { median } from '../result.ts'
import { type BenchCluster, type ClusterPlan, hostsOf, type ReadMode } from './cluster.ts'

const preload = join(import.meta.dirname, '../load/sync-times.mjs')

export function ownBench(plan: ClusterPlan): BenchCluster {
  const hosts = hostsOf(plan)
  const cluster = new OwnCluster({ directory: plan.directory, hosts })
  const syncFile = join(plan.directory, 'syncs')
  let leads = 0
  let identity: OwnCluster['identity'] = {}
  let token = ''
  let calls = 0
  const grpc = (server: number) =>
    CallStreamConnection.open({
      host: hosts[server] ?? '',
      port: ownPorts.rpc,
      tls: identity,
      path: callsPath,
    })
  const call = (kind: 'write' | 'read', request: Buffer): Buffer =>
    callFrameCodec.client.encode({ id: ++calls, kind, request })
  const http = () => Http1Connection.open({ host: hosts[0] ?? '', port: ownPorts.http })
  const consistency = (mode: ReadMode) => (mode === 'stale' ? 'stale' : 'default')
  return {
    name: 'ours',
    start: async () => {
      await withEnvironment({ NODE_OPTIONS: `--import=${preload}`, MESH_SYNC_TIMES: syncFile }, () =>
        cluster.startWithAgentOfLeader(),
      )
      leads = await cluster.leader()
      ;({ identity, token } = cluster)
    },
    stop: () => cluster.stop(),
    pids: (way) => (way === 'rpc' ? cluster.serverPids : [...cluster.serverPids, cluster.agentPid(0)]),
    writer: (way) => (way === 'rpc' ? grpc(leads) : http()),
    write: (way, key, value) =>
      way === 'rpc'
        ? call(
            'write',
            writeRequestCodec.encode({
              token,
              command: { type: 'kv.set', key, value: value.toString('base64'), flags: '0' },
            }),
          )
        : httpRequest(`PUT /v1/kv/${key}`, { 'X-Consul-Token': token }, value),
    reader: (way) => (way === 'rpc' ? grpc(leads) : http()),
    read: (way, key, mode) =>
      way === 'rpc'
        ? call(
            'read',
            readRequestCodec.encode({
              token,
              name: 'kv.get',
              args: { key },
              options: { consistency: consistency(mode), minIndex: 0, waitMs: 0 },
            }),
          )
        : httpRequest(`GET /v1/kv/${key}?${consistency(mode)}`, { 'X-Consul-Token': token }, Buffer.alloc(0)),
    syncs: async () => {
      const pid = cluster.server(leads).program.pid ?? 0
      const file = `${syncFile}.${pid}`
      rmSync(file, { force: true })
      process.kill(pid, 'SIGUSR2')
      while (!existsSync(file)) await pause(2)
      const times = JSON.parse(readFileSync(file, 'utf8')) as readonly number[]
      return { count: times.length, p50Ms: median(times), isExact: true }
    },
    leader: () => cluster.leader(),
    kill: (server) => cluster.server(server).kill(),
    restart: (server) => cluster.server(server).start(),
    writerAt: (server) => grpc(server),
  }
}

/** Children take their environment from this process. */
async function withEnvironment(
  values: Readonly<Record<string, string>>,
  run: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, values)
  try {
    await run()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
