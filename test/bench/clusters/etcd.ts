// Debian's etcd for the benchmarks: mutual TLS for gRPC and between members, its JSON gateway without.
import { EtcdCluster, etcdPackage, etcdPorts } from '../../peers/etcd.ts'
import { putMessage, putPath, rangeMessage, rangePath } from '../../peers/etcd-messages.ts'
import { Http1Connection, httpRequest } from '../load/http1-connection.ts'
import { Http2Connection } from '../load/http2-connection.ts'
import { PeerMissing } from '../result.ts'
import { type BenchCluster, type ClusterPlan, hostsOf, type ReadMode, type SyncFigures } from './cluster.ts'

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64')
const gateway = (call: string, body: unknown): Buffer =>
  httpRequest(`POST /v3/kv/${call}`, {}, Buffer.from(JSON.stringify(body)))

export async function etcdBench(plan: ClusterPlan): Promise<BenchCluster> {
  const hosts = hostsOf(plan)
  const cluster = await EtcdCluster.plan({ directory: plan.directory, addresses: hosts })
  if (cluster === undefined) throw new PeerMissing(etcdPackage)
  const { certificatePem: cert, keyPem: key } = cluster.certificates
  let leads = 0
  const grpc = (server: number, path: string) =>
    Http2Connection.open({ host: hosts[server] ?? '', port: etcdPorts.tls, tls: { cert, key }, path })
  const http = () => Http1Connection.open({ host: hosts[leads] ?? '', port: etcdPorts.plain })
  const isSerializable = (mode: ReadMode): boolean => mode === 'stale'
  let syncsBefore: Histogram = new Map()
  return {
    name: 'etcd',
    start: async () => {
      await cluster.start()
      leads = await cluster.leader()
    },
    stop: () => cluster.stop(),
    pids: () => cluster.pids,
    writer: (way) => (way === 'rpc' ? grpc(leads, putPath) : http()),
    write: (way, name, value) =>
      way === 'rpc' ? putMessage(name, value) : gateway('put', { key: base64(name), value: base64(value) }),
    reader: (way) => (way === 'rpc' ? grpc(leads, rangePath) : http()),
    read: (way, name, mode) =>
      way === 'rpc'
        ? rangeMessage(name, isSerializable(mode))
        : gateway('range', { key: base64(name), serializable: isSerializable(mode) }),
    syncs: async () => {
      const now = readHistogram(await cluster.metrics(leads), 'etcd_disk_wal_fsync_duration_seconds_bucket')
      const figures = figuresBetween(syncsBefore, now)
      syncsBefore = now
      return figures
    },
    leader: () => cluster.leader(),
    kill: async (server) => {
      await cluster.members[server]?.process.kill()
    },
    restart: (server) => cluster.members[server]?.process.start(),
    writerAt: (server) => grpc(server, putPath),
  }
}

/** Upper bound in seconds to the number of observations up to it. */
type Histogram = ReadonlyMap<number, number>

function readHistogram(text: string, name: string): Histogram {
  const rows = [...text.matchAll(new RegExp(`^${name}\\{le="([^"]+)"\\} (\\S+)$`, 'gm'))]
  return new Map(
    rows.map(([, bound = '', count]) => [bound === '+Inf' ? Infinity : Number(bound), Number(count)]),
  )
}

/** etcd counts by classes, the finest up to 1 ms: the median is known only by the bound of its class. */
function figuresBetween(before: Histogram, after: Histogram): SyncFigures {
  const grown = [...after].map(([bound, count]) => ({ bound, count: count - (before.get(bound) ?? 0) }))
  const count = grown.at(-1)?.count ?? 0
  const middle = grown.find((each) => each.count >= count / 2)
  return { count, p50Ms: (middle?.bound ?? Number.NaN) * 1_000, isExact: false }
}
