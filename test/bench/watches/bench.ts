// `npm run bench -- watches`: thousands of blocking queries held by one agent. Memory for each in the agent and in the server, after
// a collection; how many of them are woken by writes that concern none; the time until all are answered after one change that
// concerns all. Two kinds: all on one service, and each on a key of its own. No peer: a CPU yardstick stands beside it.
//
//   --watches N (5000)   --rounds N (3)   --writes N (200) that concern nobody
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { until } from '../../../src/command/dev/program.ts'
import { planMesh, type TestMesh } from '../../processes/fixture.ts'
import { cpuMs } from '../load/processes.ts'
import { type BenchResult, median, round } from '../result.ts'
import { type Figures, Probe, sumOf } from './probe.ts'
import { Watcher } from './watcher.ts'

/** Connections that are opened before they hold a query; the agent bounds those of one client. */
const openedAtOnce = 100

interface Kind {
  readonly name: string
  readonly path: (watch: number) => string
  /** A read that has the newest index of all of them. */
  readonly newest: string
  readonly prepare: (scene: Scene, watches: number) => Promise<void>
  /** One write that concerns every watch. */
  readonly change: (scene: Scene, time: number) => Promise<void>
}

const external = (port: number, service = 'shop') => ({
  Node: `external-${service}`,
  Address: '10.9.9.9',
  Service: { ID: `${service}-1`, Service: service, Port: port },
})

const kinds: readonly Kind[] = [
  {
    name: 'one service',
    path: () => '/v1/health/service/shop',
    newest: '/v1/health/service/shop',
    prepare: async (scene) => {
      await scene.write('PUT', '/v1/catalog/register', external(1))
    },
    change: async (scene, time) => {
      await scene.write('PUT', '/v1/catalog/register', external(2 + time))
    },
  },
  {
    name: 'a key each',
    path: (watch) => `/v1/kv/watched/${watch}`,
    newest: '/v1/kv/watched/?recurse',
    prepare: async (scene, watches) => {
      for (let from = 0; from < watches; from += openedAtOnce)
        await Promise.all(
          Array.from({ length: Math.min(openedAtOnce, watches - from) }, (_, i) =>
            scene.write('PUT', `/v1/kv/watched/${from + i}`, 'value'),
          ),
        )
    },
    change: async (scene) => {
      await scene.write('DELETE', '/v1/kv/watched/?recurse')
    },
  },
]

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      watches: { type: 'string', default: '5000' },
      rounds: { type: 'string', default: '3' },
      writes: { type: 'string', default: '200' },
    },
  })
  const [watches, writes] = [Number(values.watches), Number(values.writes)]
  const folder = mkdtempSync(join(tmpdir(), 'mesh-w-'))
  const plan = planMesh()
  const probe = new Probe(join(folder, 'memory'))
  let scene: Scene | undefined
  try {
    await probe.around(() => plan.mesh.start())
    const ready = new Scene(plan, probe)
    scene = ready
    await until('the agent to be let in', async () => {
      await ready.write('PUT', '/v1/kv/first')
      return true
    })
    const runs: Run[] = []
    for (let time = 0; time < Number(values.rounds); time++)
      for (const kind of kinds) runs.push(await measure(ready, kind, { watches, writes, time }))
    return summary(runs)
  } finally {
    scene?.close()
    await plan.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The agent under test and its server. */
class Scene {
  readonly target: { readonly host: string; readonly port: number }
  readonly #plan: TestMesh
  readonly #probe: Probe
  readonly #token: string
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 16 })

  constructor(plan: TestMesh, probe: Probe) {
    this.#plan = plan
    this.#probe = probe
    this.target = { host: plan.web.address, port: 8500 }
    this.#token = readFileSync(plan.mesh.operatorTokenFile, 'utf8').trim()
  }

  close(): void {
    this.#connections.destroy()
  }

  async write(method: string, path: string, body: unknown = ''): Promise<void> {
    await this.#ask(method, path, typeof body === 'string' ? body : JSON.stringify(body))
  }

  async index(path: string): Promise<number> {
    return Number((await this.#ask('GET', path)).index)
  }

  /** As any client can see it. */
  async held(): Promise<number> {
    const { text } = await this.#ask('GET', '/v1/agent/metrics?format=prometheus')
    return sumOf(text, 'mesh_api_long_polls_held')
  }

  #ask(
    method: string,
    path: string,
    body = '',
  ): Promise<{ readonly text: string; readonly index: string | undefined }> {
    return new Promise((resolve, reject) => {
      const headers = { 'X-Consul-Token': this.#token, 'Content-Length': Buffer.byteLength(body) }
      const sent = request(
        { ...this.target, method, path, headers, agent: this.#connections },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (piece: string) => {
            text += piece
          })
          response.on('end', () => {
            if (response.statusCode === 200)
              resolve({ text, index: response.headers['x-consul-index']?.toString() })
            else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
          })
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }

  agent(): Promise<Figures> {
    return this.#probe.read(this.#plan.mesh.host('alpha').agent)
  }

  server(): Promise<Figures> {
    return this.#probe.read(this.#plan.mesh.server)
  }

  cpuMs(): number {
    return cpuMs([this.#plan.mesh.host('alpha').agent.pid ?? 0, this.#plan.mesh.server.pid ?? 0])
  }
}

interface Run {
  readonly kind: string
  readonly watches: number
  readonly agentBytes: number
  readonly serverBytes: number
  readonly agentRssBytes: number
  readonly wokenByOthers: number
  readonly allAnsweredMs: number
  readonly cpuMsForAll: number
}

async function measure(
  scene: Scene,
  kind: Kind,
  plan: { readonly watches: number; readonly writes: number; readonly time: number },
): Promise<Run> {
  const { watches, writes, time } = plan
  await kind.prepare(scene, watches)
  const before = { agent: await scene.agent(), server: await scene.server() }
  const all = await hold(scene, kind, watches)
  const held = { agent: await scene.agent(), server: await scene.server() }
  for (let n = 0; n < writes; n += 2) {
    await scene.write('PUT', `/v1/kv/elsewhere/${n}`, `round ${time}`)
    await scene.write('PUT', '/v1/catalog/register', external(1 + time, `shop${n}`))
  }
  const after = await scene.server()
  const answeredEarly = all.filter((each) => each.isOver).length
  const woken =
    after.metric('mesh_server_reads_woken_total') - held.server.metric('mesh_server_reads_woken_total')
  const cpuBefore = scene.cpuMs()
  const beganMs = performance.now()
  await kind.change(scene, time)
  await until('all watches to be answered', () => (all.every((each) => each.isOver) ? true : undefined), {
    timeoutMs: 60_000,
  })
  const cpuMsForAll = scene.cpuMs() - cpuBefore
  const bad = all.filter(({ status }) => status !== '200' && status !== '404')
  if (bad.length > 0) throw new Error(`${bad.length} watches ended with ${bad[0]?.status}`)
  for (const { socket } of all) socket.destroy()
  await until('all connections to be gone', async () => ((await scene.held()) === 0 ? true : undefined))
  const run = {
    kind: kind.name,
    watches,
    agentBytes: Math.round((memory(held.agent) - memory(before.agent)) / watches),
    serverBytes: Math.round((memory(held.server) - memory(before.server)) / watches),
    agentRssBytes: Math.round((held.agent.rss - before.agent.rss) / watches),
    wokenByOthers: woken + answeredEarly,
    allAnsweredMs: round(Math.max(...all.map(({ answeredMs }) => answeredMs)) - beganMs, 0),
    cpuMsForAll: round(cpuMsForAll, 0),
  }
  print(run, writes)
  return run
}

const memory = ({ heapUsed, external: outside }: Figures): number => heapUsed + outside

async function hold(scene: Scene, kind: Kind, watches: number): Promise<readonly Watcher[]> {
  const index = await scene.index(kind.newest)
  const all: Watcher[] = []
  while (all.length < watches) {
    const some = await Promise.all(
      Array.from({ length: Math.min(openedAtOnce, watches - all.length) }, () => Watcher.open(scene.target)),
    )
    for (const [i, each] of some.entries())
      each.ask(scene.target.host, `${kind.path(all.length + i)}?index=${index}&wait=10m`)
    all.push(...some)
    await until(`${all.length} held queries`, async () => {
      const over = all.find((each) => each.isOver)
      if (over !== undefined) throw new Error(`a watch ended with ${over.status}`)
      return (await scene.held()) === all.length ? true : undefined
    })
  }
  return all
}

function print(run: Run, writes: number): void {
  console.log(
    [
      `${run.watches} watches, ${run.kind}`.padEnd(28),
      `${round(run.agentBytes / 1_024, 1)} KiB each in the agent (${round(run.agentRssBytes / 1_024, 1)} resident)`,
      `${round(run.serverBytes / 1_024, 1)} KiB in the server`,
      `${run.wokenByOthers} woken by ${writes} other writes`,
      `all answered after ${run.allAnsweredMs} ms (${run.cpuMsForAll} ms CPU)`,
    ].join(' | '),
  )
}

function summary(runs: readonly Run[]): BenchResult {
  const bytes = median(runs.map(({ agentBytes, serverBytes }) => agentBytes + serverBytes))
  return {
    bench: 'watches',
    unit: 'KiB per held query, agent and server together',
    ours: round(bytes / 1_024, 1),
    peer: null,
    ratio: null,
    runs,
  }
}
