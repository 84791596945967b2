// One service and three pairs of proxies before it, all running at once and one loaded at a time: rounds in turn, so that
// what else the machine does falls on all alike. The figure that is compared is the CPU of both proxies per unit of work.
//
//   --rounds N (5)   --seconds N (4) per measurement   --only ours,haproxy,nginx
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { until } from '../../../src/command/dev/program.ts'
import { writeCertificates } from '../../peers/certificates.ts'
import { Child } from '../../peers/child.ts'
import { schedulerUs } from '../load/processes.ts'
import { type BenchResult, median, round } from '../result.ts'
import type { Load, Loaded } from './load.ts'
import { originChild, startOrigin } from './origin.ts'
import { ownPair } from './own-pair.ts'
import type { Endpoint, FarProxy, ProxyPair } from './pair.ts'
import { haproxyPair, nginxPair } from './peer-pairs.ts'
import { childOf, requireProgram } from './program.ts'

export interface Judged {
  readonly bench: string
  readonly unit: string
  readonly args: readonly string[]
  /** Made when the folder for its files exists. */
  readonly load: (folder: string) => Load
  /** `http`: answers of 95 bytes; `bulk`: an iperf3 server. */
  readonly service: 'http' | 'bulk'
  /** The way between the two proxies is so long; none where absent. */
  readonly oneWayMs?: number
  /** What is compared; CPU per unit unless said otherwise. */
  readonly figure?: (figures: Figures) => number
}

export interface Figures extends Loaded {
  /** Microseconds of CPU of both proxies per unit. */
  readonly cpuUs: number
}

type Name = ProxyPair['name']
const names: readonly Name[] = ['ours', 'haproxy', 'nginx']

export async function judge(judged: Judged): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...judged.args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      only: { type: 'string' },
    },
  })
  const wanted = names.filter((name) => values.only === undefined || values.only.split(',').includes(name))
  const folder = mkdtempSync(join(tmpdir(), 'l4-'))
  const service: Endpoint = { host: '127.91.0.9', port: 9_090 }
  const origin = originChild(folder, service)
  const iperf = requireProgram('iperf3', 'iperf3')
  const sink = childOf(
    iperf,
    ['-s', '--forceflush', '-B', service.host, '-p', String(service.port)],
    join(folder, 'iperf3.log'),
  )
  const relays: Child[] = []
  let pairs: readonly ProxyPair[] = []
  try {
    await startOrigin(origin, service)
    const { oneWayMs } = judged
    const far = (network: number): FarProxy => farProxy(folder, network, oneWayMs, relays)
    pairs = await pairsOf({ folder, service, far }, wanted)
    for (const relay of relays) relay.start()
    for (const pair of pairs) await pair.start()
    if (judged.service === 'bulk') {
      await origin.kill()
      sink.start()
      await until(
        'iperf3',
        () => readFileSync(join(folder, 'iperf3.log'), 'utf8').includes('listening') || undefined,
      )
    }
    return summary(judged, await roundsOf(judged, pairs, { folder, ...numbers(values) }))
  } finally {
    for (const pair of pairs) await pair.stop()
    await origin.kill()
    await sink.kill()
    for (const relay of relays) await relay.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

const numbers = (values: { readonly rounds: string; readonly seconds: string }) => ({
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
})

/** Between the two proxies there is a relay where the way is to have a length. */
function farProxy(folder: string, network: number, oneWayMs: number | undefined, relays: Child[]): FarProxy {
  const listens = { host: `127.91.${network}.2`, port: 21_000 }
  if (oneWayMs === undefined) return { listens, found: listens }
  const found = { host: `127.91.${network}.4`, port: 21_000 }
  const places = [found.host, String(found.port), listens.host, String(listens.port)]
  const command = [process.execPath, join(import.meta.dirname, 'delay.ts'), ...places, String(oneWayMs)]
  relays.push(new Child(command, join(folder, `relay-${network}.log`)))
  return { listens, found }
}

interface Ground {
  readonly folder: string
  readonly service: Endpoint
  /** The far proxy of a pair, by the third byte of its addresses. */
  readonly far: (network: number) => FarProxy
}

async function pairsOf(
  { folder, service, far }: Ground,
  wanted: readonly Name[],
): Promise<readonly ProxyPair[]> {
  const certificates = await writeCertificates(folder, ['127.91.2.2', '127.91.3.2'])
  const combined = join(folder, 'combined.pem')
  writeFileSync(combined, `${certificates.certificatePem}\n${certificates.keyPem}\n`, { mode: 0o600 })
  const peer = (network: number) => ({
    folder,
    service,
    certificates,
    combined,
    out: { host: `127.91.${network}.1`, port: 9_191 },
    in: far(network),
  })
  const own = join(folder, 'own')
  mkdirSync(own)
  const makers: Readonly<Record<Name, () => ProxyPair>> = {
    ours: () =>
      ownPair({
        folder: own,
        server: '127.91.1.3',
        service,
        out: { host: '127.91.1.1', port: 9_191 },
        in: far(1),
      }),
    haproxy: () => haproxyPair(peer(2)),
    nginx: () => nginxPair(peer(3)),
  }
  return wanted.map((name) => makers[name]())
}

interface Runs {
  readonly folder: string
  readonly rounds: number
  readonly seconds: number
}

type Row = { readonly round: number; readonly name: Name } & Figures

async function roundsOf(judged: Judged, pairs: readonly ProxyPair[], runs: Runs): Promise<readonly Row[]> {
  const load = judged.load(runs.folder)
  const rows: Row[] = []
  // One that is not counted: code gets warm, sessions are made.
  for (const pair of pairs) await load(pair.entry, 2)
  for (let turn = 1; turn <= runs.rounds; turn += 1)
    for (const pair of pairs) {
      const beforeUs = schedulerUs(pair.pids())
      const loaded = await load(pair.entry, runs.seconds)
      const cpuUs = (schedulerUs(pair.pids()) - beforeUs) / loaded.units
      const row = { round: turn, name: pair.name, ...loaded, cpuUs }
      rows.push(row)
      console.log(textOf(row, judged))
    }
  return rows
}

function textOf(row: Row, { unit }: Judged): string {
  const latency =
    row.p50Us === undefined ? '' : `, p50 ${round(row.p50Us, 0)} us, p99 ${round(row.p99Us ?? 0, 0)} us`
  const alone = row.aloneP50Us === undefined ? '' : `, p50 alone ${round(row.aloneP50Us, 0)} us`
  const failed = row.failed === 0 ? '' : `, ${row.failed} FAILED`
  const rate = row.rate < 100 ? round(row.rate, 2) : round(row.rate, 0)
  return `round ${row.round} ${row.name.padEnd(8)} ${round(row.cpuUs, 1)} us of CPU per unit, ${rate} per second${latency}${alone}${failed} (${unit})`
}

function summary(judged: Judged, rows: readonly Row[]): BenchResult {
  const figure = judged.figure ?? (({ cpuUs }) => cpuUs)
  const of = (name: Name): readonly number[] => rows.filter((row) => row.name === name).map(figure)
  const [ours, peer] = [median(of('ours')), median(of('haproxy'))]
  // In one round both met the same machine, so the ratio is taken there and its median told.
  const haproxy = of('haproxy')
  const ratio = median(of('ours').map((value, at) => value / (haproxy[at] ?? Number.NaN)))
  console.log(
    `ours ${round(ours, 1)}, haproxy ${round(peer, 1)}, nginx ${round(median(of('nginx')), 1)}; ratio to haproxy ${round(ratio)}`,
  )
  return { bench: judged.bench, unit: judged.unit, ours, peer, ratio, runs: rows }
}
