// `npm run bench -- dns`: queries per second and CPU per query of the agent's DNS with 100 services of three instances, against
// Debian's unbound serving the same records as local data, asked by Debian's dnsperf, in turn in the same run. Our SRV answers
// carry the addresses of their targets besides; unbound's do not.
//
//   --rounds N (3)   --seconds N (5) per measurement
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalMesh } from '../../../src/command/dev/mesh.ts'
import { until } from '../../../src/command/dev/program.ts'
import { entry } from '../../processes/fixture.ts'
import { askUdp } from '../../unit/dns/client.ts'
import { question } from '../../unit/dns/world.ts'
import { cpuMs } from '../load/processes.ts'
import { type BenchResult, median, round } from '../result.ts'
import { type Address, dnsperf, type Figures, needed, unbound } from './tools.ts'

const services = 100
const instances = 3
const net = `127.${32 + (process.pid % 200)}.77`
const dnsPort = 8_600
const zone = 'mesh'

interface Case {
  readonly name: string
  /** One line of dnsperf's input per service. */
  readonly line: (service: number) => string
}

const cases: readonly Case[] = [
  { name: 'SRV', line: (n) => `svc-${n}.service.mesh SRV` },
  { name: 'A', line: (n) => `svc-${n}.service.mesh A` },
  { name: 'absent', line: (n) => `none-${n}.service.mesh A` },
]

interface Measured extends Figures {
  readonly cpuMicroseconds: number
}

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '5' } },
  })
  const program = needed('dnsperf', 'dnsperf')
  needed('unbound', 'unbound')
  const directory = mkdtempSync(join(tmpdir(), 'mesh-dns-'))
  const mesh = planned(directory)
  const peerAddress: Address = { address: `${net}.3`, port: 5_353 }
  const peer = unbound(peerAddress, directory, { zone, records: peerRecords() })
  try {
    await mesh.start()
    await until('the host to be enrolled', async () => {
      const [host] = mesh.hosts
      return host === undefined ? undefined : await mesh.get(host, '/v1/catalog/nodes')
    })
    await register(mesh)
    peer.start()
    const own: Address = { address: `${net}.2`, port: dnsPort }
    await warm(own)
    const systems = [
      { name: 'unbound', at: peerAddress, pid: () => peer.pid },
      { name: 'mesh', at: own, pid: () => mesh.hosts[0]?.agent.pid },
    ] as const
    const runs = new Map<string, Measured[]>()
    for (let turn = 1; turn <= Number(values.rounds); turn++)
      for (const each of cases) {
        const file = join(directory, `${each.name}.txt`)
        writeFileSync(file, Array.from({ length: services }, (_, n) => `${each.line(n)}\n`).join(''))
        for (const { name, at, pid } of systems) {
          const before = cpuMs([pid() ?? 0])
          const seconds = Number(values.seconds)
          const figures = await dnsperf(program, at, { file, seconds })
          const spentMs = cpuMs([pid() ?? 0]) - before
          const one = { ...figures, cpuMicroseconds: (spentMs * 1_000) / (figures.perSecond * seconds) }
          print(`round ${turn} ${each.name} ${name}`, one)
          runs.set(`${each.name} ${name}`, [...(runs.get(`${each.name} ${name}`) ?? []), one])
        }
      }
    return summary(runs)
  } finally {
    await peer.kill()
    await mesh.stop()
  }
}

function planned(directory: string): LocalMesh {
  const host = { name: 'alpha', address: `${net}.2`, services: ['web'], files: {} }
  return new LocalMesh({ directory, entry, serverAddress: `${net}.1`, hosts: [host] })
}

const nodeAddress = (node: number): string => `10.0.0.${node + 1}`

/** The services as external ones, each on three nodes. */
async function register(mesh: LocalMesh): Promise<void> {
  const [host] = mesh.hosts
  if (host === undefined) throw new Error('the mesh has no host')
  const token = readFileSync(mesh.operatorTokenFile, 'utf8').trim()
  for (let n = 0; n < services; n++)
    for (let node = 0; node < instances; node++) {
      const Service = { ID: `svc-${n}`, Service: `svc-${n}`, Port: 8_000 + n }
      const body = JSON.stringify({ Node: `node-${node}`, Address: nodeAddress(node), Service })
      const url = `${host.api}/v1/catalog/register`
      const answer = await fetch(url, { method: 'PUT', headers: { 'x-consul-token': token }, body })
      if (!answer.ok) throw new Error(`a registration was refused: ${await answer.text()}`)
    }
}

/** The same records as ours, in unbound's notation. */
function peerRecords(): readonly string[] {
  const nodes = Array.from(
    { length: instances },
    (_, node) => `node-${node}.node.dc1.mesh. 0 IN A ${nodeAddress(node)}`,
  )
  const ofService = (n: number, node: number): readonly string[] => [
    `svc-${n}.service.mesh. 0 IN SRV 1 1 ${8_000 + n} node-${node}.node.dc1.mesh.`,
    `svc-${n}.service.mesh. 0 IN A ${nodeAddress(node)}`,
  ]
  const each = Array.from({ length: services }, (_, n) =>
    Array.from({ length: instances }, (_, node) => ofService(n, node)).flat(),
  )
  return [...nodes, ...each.flat()]
}

/** Until every service is there and is followed: the agent takes on a bounded number of new ones per second. */
async function warm(own: Address): Promise<void> {
  const deadlineMs = performance.now() + 8_000
  while (performance.now() < deadlineMs)
    for (let n = 0; n < services; n++)
      await until(`svc-${n} in DNS`, async () => {
        const bytes = question(`svc-${n}.service.mesh`, 'SRV', { edns: 1_232 })
        const answer = await askUdp(own.port, bytes, 2_000, own.address)
        return answer.answers?.length === instances ? true : undefined
      })
}

function print(what: string, { perSecond, lost, averageMs, cpuMicroseconds }: Measured): void {
  const parts = [
    `${what.padEnd(24)} ${perSecond.toFixed(0).padStart(7)} queries/s`,
    `${cpuMicroseconds.toFixed(1)} µs CPU per query`,
    `average ${averageMs.toFixed(2)} ms`,
    `${lost} lost`,
  ]
  console.log(parts.join(' | '))
}

function summary(measured: ReadonlyMap<string, readonly Measured[]>): BenchResult {
  const of = (name: string, system: string) => {
    const figures = measured.get(`${name} ${system}`) ?? []
    return {
      perSecond: round(median(figures.map(({ perSecond }) => perSecond)), 0),
      cpuMicroseconds: round(median(figures.map(({ cpuMicroseconds }) => cpuMicroseconds)), 2),
    }
  }
  const runs = cases.map(({ name }) => {
    const own = of(name, 'mesh')
    const peer = of(name, 'unbound')
    const ratio = round(own.perSecond / peer.perSecond, 2)
    const cpuRatio = round(own.cpuMicroseconds / peer.cpuMicroseconds, 2)
    console.log(`median ${name}: ${ratio}x unbound's queries/s at ${cpuRatio}x its CPU per query`)
    return { case: name, ratio, cpuRatio, ours: own, peer }
  })
  const [main] = runs
  return {
    bench: 'dns',
    unit: 'SRV queries/s over UDP',
    ours: main?.ours.perSecond ?? Number.NaN,
    peer: main?.peer.perSecond ?? null,
    ratio: main?.ratio ?? null,
    runs,
  }
}
