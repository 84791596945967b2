// `npm run bench -- agents`: fifty real agents, each in a network namespace of its own, started at once, enrolled by one
// server and told no other address. How long until each of them lists all as alive, and what an agent costs that has
// nothing to do.
//
//   --hosts N (50)   --rest SECONDS (20) before, and --idle SECONDS (30) while the idle agents are measured
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { bundle } from '../../../packaging/bundle.ts'
import { inOwnNetwork, isInOwnNetwork, whyNoNetwork } from '../../linearizability/network.ts'
import { pause } from '../load/closed-loop.ts'
import { type BenchResult, CannotRun, median, round } from '../result.ts'
import { type AgentHost, Mesh } from './mesh.ts'
import { letGo, makeNetworks } from './networks.ts'
import { cpuSeconds, pssMb } from './usage.ts'

const barSeconds = 30
const givenUpAfterSeconds = 180
const askEveryMs = 1_000
const alive = 1

export async function bench(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      hosts: { type: 'string', default: '50' },
      rest: { type: 'string', default: '20' },
      idle: { type: 'string', default: '30' },
    },
  })
  const why = whyNoNetwork()
  if (why !== undefined) throw new CannotRun(why)
  if (!isInOwnNetwork()) process.exit(await inOwnNetwork())
  const folder = mkdtempSync(join(tmpdir(), 'bench-agents-'))
  let mesh: Mesh | undefined
  try {
    const { folder: built } = await bundle({ folder: join(folder, 'program') })
    mesh = new Mesh(makeNetworks(Number(values.hosts), folder), folder, join(built, 'main.js'))
    await mesh.prepare()
    const { hosts } = mesh
    const seconds = await startAll(hosts)
    await pause(Number(values.rest) * 1_000)
    const idle = await measureIdle(hosts, Number(values.idle))
    await mustAllBeAlive(hosts)
    return {
      bench: 'agents',
      unit: `s until ${hosts.length} agents list all as alive`,
      ours: round(seconds, 1),
      peer: null,
      ratio: null,
      runs: [{ hosts: hosts.length, seconds: round(seconds, 1), barSeconds, ...idle }],
    }
  } finally {
    await mesh?.kill()
    letGo(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Seconds from the first start until the last agent listed all. */
async function startAll(hosts: readonly AgentHost[]): Promise<number> {
  const startedMs = performance.now()
  for (const { program } of hosts) program.start()
  const times = await Promise.all(hosts.map((host) => untilAllAlive(host, hosts.length, startedMs)))
  const [answers, wholes] = [times.map(({ answered }) => answered), times.map(({ whole }) => whole)]
  const last = Math.max(...wholes)
  const spent = median(hosts.map(({ program }) => cpuSeconds(program.pid ?? 0)))
  console.log(
    `${hosts.length} agents list all as alive after ${last.toFixed(1)} s, the median one after ${median(wholes).toFixed(1)} s ` +
      `(all answer after ${Math.max(...answers).toFixed(1)} s, CPU of each until then ${spent.toFixed(1)} s): ${last <= barSeconds ? 'kept' : 'NOT KEPT'} (bar ${barSeconds} s)`,
  )
  return last
}

/** Seconds until the agent answers, and until it lists all. Asked seldom: fifty lists of fifty are work for all of them. */
async function untilAllAlive(host: AgentHost, count: number, startedMs: number) {
  const seconds = (): number => (performance.now() - startedMs) / 1_000
  let answered = 0
  for (;;) {
    const alive = await countAlive(host)
    if (alive > 0 && answered === 0) answered = seconds()
    if (alive === count) return { answered, whole: seconds() }
    if (seconds() > givenUpAfterSeconds)
      throw new Error(`${host.name} lists ${alive} alive; it said:\n${host.program.logTail()}`)
    await pause(askEveryMs)
  }
}

/** Members that the agent calls alive; 0 while it does not answer. Its socket is in the file system that all hosts share. */
function countAlive({ socketPath }: AgentHost): Promise<number> {
  return new Promise((resolve) => {
    const none = (): void => resolve(0)
    const asked = request({ socketPath, path: '/v1/agent/members' }, (response) => {
      json(response).then((body) => {
        const members = response.statusCode === 200 ? (body as readonly { readonly Status: number }[]) : []
        resolve(members.filter(({ Status }) => Status === alive).length)
      }, none)
    })
    asked.on('error', none)
    asked.end()
  })
}

async function mustAllBeAlive(hosts: readonly AgentHost[]): Promise<void> {
  const counts = await Promise.all(hosts.map(countAlive))
  const wrong = hosts.filter((_host, at) => counts[at] !== hosts.length)
  if (wrong.length > 0)
    throw new Error(`not all are alive any more for ${wrong.map(({ name }) => name).join(', ')}`)
}

async function measureIdle(hosts: readonly AgentHost[], seconds: number) {
  const pids = hosts.map(({ program }) => program.pid ?? 0)
  const before = pids.map(cpuSeconds)
  const startedMs = performance.now()
  await pause(seconds * 1_000)
  const tookSeconds = (performance.now() - startedMs) / 1_000
  const shares = pids.map((pid, at) => ((cpuSeconds(pid) - (before[at] ?? 0)) / tookSeconds) * 100)
  const memory = pids.map(pssMb)
  const cpuPercent = { median: round(median(shares), 2), max: round(Math.max(...shares), 2) }
  const pss = { median: round(median(memory), 1), max: round(Math.max(...memory), 1) }
  console.log(
    `an idle agent of ${hosts.length}: CPU ${cpuPercent.median} % of a core (most ${cpuPercent.max} %), ` +
      `PSS ${pss.median} MB (most ${pss.max} MB)`,
  )
  return { idleSeconds: round(tookSeconds, 1), cpuPercent, pssMb: pss }
}
