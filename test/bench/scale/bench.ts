// `npm run bench -- scale`: 200,000 services on 5,000 nodes in three servers. How long the longest piece of our own code holds the
// event loop (timed inside the servers), the garbage collector's pauses, memory, and whether a server that was away gets a
// snapshot while writes go on. No peer: the figures stand beside each other.
//
//   --services N (200000)   --seconds N (15) of mixed load
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { until } from '../../../src/command/dev/program.ts'
import { unwrap } from '../../../src/model/errors.ts'
import { OperatorClient } from '../../processes/operator-client.ts'
import { type ServerProcess, Servers } from '../../processes/three-servers.ts'
import { aNode, aService } from '../../unit/store/rows.ts'
import { type BenchResult, round } from '../result.ts'

const servicesPerNode = 40
const servicesPerWrite = 10
const clientsLoading = 32
/** Enough that the log of the load is several segments long, and a server that was away finds its part gone. */
const description = 'what this instance is, in many words; '.repeat(26)
/** Names: each has this many instances. */
const instancesPerName = 100

interface Figures {
  readonly slices: readonly { readonly wallMs: number; readonly ownMs: number; readonly type: string }[]
  readonly pausesMs: readonly number[]
  readonly delayMaxMs: number
  readonly delayP99Ms: number
  readonly rssBytes: number
  readonly heapBytes: number
}

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: { services: { type: 'string', default: '200000' }, seconds: { type: 'string', default: '15' } },
  })
  const services = Number(values.services)
  const servers = new Servers()
  const probe = new Probe(join(servers.directory, 'slices'))
  try {
    await probe.around(() => servers.start())
    const away = servers.server('s3')
    await away.stop()
    const leader = await servers.leader()
    const scale = new Scale(leader, servers.operatorToken)
    const runs: unknown[] = []
    const tell = async (phase: string, server: ServerProcess): Promise<void> => {
      runs.push(print(phase, server, await probe.read(server)))
    }
    await probe.read(leader)
    await scale.load(services)
    await tell('loading', leader)
    await scale.mixed(Number(values.seconds) * 1_000)
    await tell('mixed load', leader)
    await probe.around(async () => away.start())
    const installing = (): true | undefined =>
      away.logged('installing a snapshot').length > 0 ? true : undefined
    await until('a snapshot to be on its way', installing, { timeoutMs: 60_000, watching: [away.program] })
    // What the program did to start is not of interest here.
    await probe.read(away)
    const tookMs = await scale.caughtUp(away, servers.operatorToken)
    console.log(
      `s3 had every write of before its start after ${round(tookMs / 1_000, 1)} s, under writes all the while`,
    )
    await tell('a snapshot sent', leader)
    await tell('a snapshot installed', away)
    scale.close()
    const worst = Math.max(...runs.map((run) => (run as { readonly longestOwnMs: number }).longestOwnMs))
    return {
      bench: 'scale',
      unit: 'ms, longest slice of own code',
      ours: worst,
      peer: null,
      ratio: null,
      runs,
    }
  } finally {
    await servers.close()
  }
}

/** Figures from inside the servers. */
class Probe {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Programs that `start` starts are measured. */
  async around(start: () => Promise<void>): Promise<void> {
    const { NODE_OPTIONS, MESH_SLICES } = process.env
    Object.assign(process.env, {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'slices.mjs')}`,
      MESH_SLICES: this.#file,
    })
    try {
      await start()
    } finally {
      restore('NODE_OPTIONS', NODE_OPTIONS)
      restore('MESH_SLICES', MESH_SLICES)
    }
  }

  /** Since the last time. */
  async read(server: ServerProcess): Promise<Figures> {
    const { pid } = server.program
    if (pid === undefined) throw new Error(`${server.name} does not run`)
    const file = `${this.#file}.${pid}`
    rmSync(file, { force: true })
    process.kill(pid, 'SIGUSR2')
    await until(`figures of ${server.name}`, () => (existsSync(file) ? true : undefined))
    return JSON.parse(readFileSync(file, 'utf8')) as Figures
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

function print(phase: string, server: ServerProcess, figures: Figures): unknown {
  const longest = figures.slices.toSorted((a, b) => b.ownMs - a.ownMs).slice(0, 5)
  const run = {
    phase,
    server: server.name,
    longestOwnMs: round(longest[0]?.ownMs ?? 0, 1),
    slicesOver15Ms: figures.slices.filter(({ ownMs }) => ownMs > 15).length,
    pauseMaxMs: round(Math.max(0, ...figures.pausesMs), 1),
    delayMaxMs: round(figures.delayMaxMs, 1),
    delayP99Ms: round(figures.delayP99Ms, 1),
    rssMiB: Math.round(figures.rssBytes / 2 ** 20),
    heapMiB: Math.round(figures.heapBytes / 2 ** 20),
  }
  console.log(
    `${phase} (${run.server}): longest slice ${run.longestOwnMs} ms of own code, ${run.slicesOver15Ms} over 15 ms, ` +
      `longest pause of the collector ${run.pauseMaxMs} ms, loop late by at most ${run.delayMaxMs} ms ` +
      `(p99 ${run.delayP99Ms}), RSS ${run.rssMiB} MiB, heap ${run.heapMiB} MiB`,
  )
  console.log(`  longest: ${longest.map(({ ownMs, type }) => `${type} ${round(ownMs, 1)} ms`).join(', ')}`)
  return run
}

class Scale {
  readonly #clients: readonly OperatorClient[]
  #services = 0

  constructor(leader: ServerProcess, token: string) {
    this.#clients = Array.from({ length: 4 }, () => new OperatorClient(leader, token, 30_000))
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  async load(services: number): Promise<void> {
    this.#services = services
    const begunMs = performance.now()
    let next = 0
    const one = async (client: OperatorClient): Promise<void> => {
      for (let first = next; first < services; first = next) {
        next += servicesPerWrite
        await this.#register(client, first, '1')
      }
    }
    await Promise.all(Array.from({ length: clientsLoading }, (_, i) => one(this.#client(i))))
    const seconds = (performance.now() - begunMs) / 1_000
    console.log(`${services} services registered in ${round(seconds, 1)} s`)
  }

  /** Writes and the large reads of dashboards, one after another each. */
  async mixed(durationMs: number): Promise<void> {
    const endMs = performance.now() + durationMs
    let reads = 0
    const reading = async (): Promise<void> => {
      const client = this.#client(0)
      while (performance.now() < endMs) {
        const name = `svc-${reads % Math.ceil(this.#services / instancesPerName)}`
        const filter = { service: name, tags: [], nodeMeta: {} }
        unwrap(await client.read('catalog.service', filter))
        unwrap(await client.read('catalog.services', { nodeMeta: {} }))
        unwrap(await client.read('mesh.services', {}))
        unwrap(await client.read('catalog.nodes', { nodeMeta: {} }))
        unwrap(await client.read('health.state', { state: 'any', nodeMeta: {} }))
        reads += 1
      }
    }
    const [writes] = await Promise.all([this.#writing(() => performance.now() < endMs), reading()])
    console.log(`mixed load: ${writes} writes, ${reads} rounds of large reads`)
  }

  /** Milliseconds until `server` has what was acknowledged before, with writes going on. */
  async caughtUp(server: ServerProcess, token: string): Promise<number> {
    const begunMs = performance.now()
    let isThere = false
    const asking = until(
      `${server.name} to have it all`,
      async () => {
        const client = new OperatorClient(server, token, 200)
        const node = `node-${Math.floor((this.#services - 1) / servicesPerNode)}`
        const answer = await client.read('catalog.node', { node }, 'stale')
        client.close()
        isThere = answer.ok && answer.value.answer !== null
        return isThere ? true : undefined
      },
      { timeoutMs: 120_000, watching: [server.program] },
    )
    await Promise.all([asking, this.#writing(() => !isThere)])
    return performance.now() - begunMs
  }

  /** One write after another of services that are there, so that the state keeps its size. */
  async #writing(goesOn: () => boolean): Promise<number> {
    let writes = 0
    while (goesOn()) {
      const first = (writes * 7 * servicesPerWrite) % this.#services
      await this.#register(this.#client(1), first, String(2 + writes))
      writes += 1
    }
    return writes
  }

  async #register(client: OperatorClient, first: number, version: string): Promise<void> {
    const at = Math.floor(first / servicesPerNode)
    const node = aNode(`node-${at}`, { address: `10.${at >> 14}.${(at >> 7) & 127}.${at & 127}` })
    const services = Array.from({ length: servicesPerWrite }, (_, i) =>
      aService(`svc-${Math.floor((first + i) / instancesPerName)}`, {
        id: `service-${first + i}`,
        port: 8_000 + i,
        tags: ['v1', 'primary'],
        meta: { version, a: description.slice(0, 500), b: description.slice(500) },
      }),
    )
    unwrap(await client.write({ type: 'catalog.register', node, services, checks: [] }))
  }

  #client(at: number): OperatorClient {
    const client = this.#clients[at % this.#clients.length]
    if (client === undefined) throw new Error('no client')
    return client
  }
}
