// `npm run bench -- footprint`: the memory of two shipped proxies, holder and worker each, that do nothing but wait: 50 services
// on each host, every one with a live upstream to one of the other host, then up to 1,000 idle connections over both. Lines are
// fitted through the steps. Bars: 110 MB at 50 services, 40 KB for each connection.
//
//   --rounds N (3)
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from '../../../packaging/bundle.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { TestAuthority } from '../../unit/proxy/authority.ts'
import { endpoint, endpoints, inbound, outbound, policy, startService } from '../../unit/proxy/lab.ts'
import { type BenchResult, median, round } from '../result.ts'
import { lineThrough, type Memory, memoryOf, settled } from './memory.ts'
import { ShippedProxy } from './shipped-proxy.ts'

const serviceSteps = [1, 10, 25, 50]
const services = 50
const connectionSteps = [0, 250, 500, 1_000]
/** One of each kind per service, above what the kernel gives to clients' sockets. */
const [publicFrom, upstreamFrom] = [21_000, 22_000]

interface Round {
  /** Of the near host: the memory of holder and worker by services. */
  readonly byServices: readonly (readonly [number, Memory])[]
  /** Of both hosts, by idle connections. */
  readonly byConnections: readonly (readonly [number, Memory])[]
}

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '3' } } })
  const folder = mkdtempSync(join(tmpdir(), 'footprint-'))
  try {
    const shipped = await bundle({ folder: join(folder, 'bundle') })
    const rows: ReturnType<typeof figuresOf>[] = []
    for (let turn = 1; turn <= Number(values.rounds); turn += 1) {
      const figures = figuresOf(await measure(join(shipped.folder, 'main.js'), join(folder, String(turn))))
      rows.push(figures)
      console.log(`round ${turn}: ${JSON.stringify(figures)}`)
    }
    const of = (name: 'pssMb' | 'hostMb' | 'aloneMb' | 'kbPerService' | 'kbPerConnection'): number =>
      median(rows.map((row) => row[name]))
    console.log(
      `holder and worker with ${services} services: ${round(of('hostMb'), 1)} MB beside an agent (${round(of('aloneMb'), 1)} MB where nothing else shares their pages, ${round(of('pssMb'), 1)} MB PSS here), ${round(of('kbPerService'), 0)} KB for each service; ${round(of('kbPerConnection'), 1)} KB for each idle connection over both proxies`,
    )
    return {
      bench: 'footprint',
      unit: 'MB of holder and worker beside an agent, 50 services',
      ours: of('hostMb'),
      peer: null,
      ratio: null,
      runs: rows,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function figuresOf({ byServices, byConnections }: Round) {
  const services = lineThrough(byServices.map(([count, { pssMb }]) => [count, pssMb]))
  const connections = lineThrough(byConnections.map(([count, { pssMb }]) => [count, pssMb]))
  const [, last] = byServices.at(-1) ?? []
  return {
    pssMb: round(last?.pssMb ?? Number.NaN, 1),
    hostMb: round(last?.hostMb ?? Number.NaN, 1),
    aloneMb: round(last?.aloneMb ?? Number.NaN, 1),
    withoutServicesMb: round(services.at0, 1),
    kbPerService: round(services.slope * 1_024, 1),
    kbPerConnection: round(connections.slope * 1_024, 1),
    byServices: byServices.map(([count, { pssMb }]) => [count, round(pssMb, 1)]),
    byConnections: byConnections.map(([count, { pssMb }]) => [count, round(pssMb, 1)]),
  } as const
}

async function measure(entry: string, folder: string): Promise<Round> {
  const service = await startService()
  const near = await ShippedProxy.start(entry, folder, 'near')
  const far = await ShippedProxy.start(entry, folder, 'far')
  const open: net.Socket[] = []
  try {
    const authority = new TestAuthority()
    const hosts = [hostOf(authority, service.port, 'near'), hostOf(authority, service.port, 'far')] as const
    const byServices: (readonly [number, Memory])[] = []
    for (const count of serviceSteps) {
      await far.publish(hosts[1](count))
      await near.publish(hosts[0](count))
      while (open.length < count) open.push(await connected(upstreamFrom + open.length))
      byServices.push([count, await settled(() => memoryOf(near.pids))])
    }
    const byConnections: (readonly [number, Memory])[] = []
    for (const count of connectionSteps) {
      while (open.length < services + count)
        open.push(await connected(upstreamFrom + (open.length % services)))
      byConnections.push([count, await settled(() => memoryOf([...near.pids, ...far.pids]))])
    }
    return { byServices, byConnections }
  } finally {
    for (const socket of open) socket.destroy()
    await Promise.all([near.stop(), far.stop()])
    await service.close()
  }
}

/** Both hosts have services of their own; those of `near` call one each of `far`. */
function hostOf(authority: TestAuthority, servicePort: number, host: 'near' | 'far') {
  const roots = authority.rootsResource()
  const all = Array.from({ length: services }, (_, i): readonly ProxyResource[] => {
    const [own, other] = [`${host}${i}`, `far${i}`]
    const port = publicFrom + i + (host === 'far' ? services : 0)
    const served = [authority.leafResource(own), policy(own, 'allow'), inbound(own, port, servicePort)]
    if (host === 'far') return served
    const instance = endpoint(`far/${other}`, publicFrom + services + i)
    return [...served, endpoints(other, [instance]), outbound(own, other, upstreamFrom + i)]
  })
  return (count: number): readonly ProxyResource[] => [roots, ...all.slice(0, count).flat()]
}

/** A connection that has carried a byte there and back, and then nothing more. */
function connected(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('x'))
    socket.once('data', () => resolve(socket))
    socket.once('error', reject)
  })
}
