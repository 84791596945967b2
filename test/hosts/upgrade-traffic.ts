/**
 * Who watches while a mesh is upgraded: on the caller's host one who asks 200 times a second, one who may ask nothing and one
 * who writes; on every host one who looks at the catalog. Services and watchers run by a Node.js beside the package's, so
 * that what is upgraded is the mesh alone. What their reports must say stands here too.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { root } from '../../packaging/bundle.ts'
import { type Cluster, lanes } from './cluster.ts'
import type { LookReport } from './inside/catalog-looks.ts'
import type { SteadyReport } from './inside/steady-client.ts'
import { answersOf, failuresOf, Load, nothingLost, type Report } from './load.ts'
import { hostOf, type Scene } from './scenario.ts'
import type { Host } from './testbed.ts'

const folder = '/opt/watch'
const scripts = ['named-service', 'steady-client', 'catalog-looks']
const requestsPerSecond = 200
const writesPerSecond = 5
/** Within this time after a kill every connection through the dead worker has ended. */
const killNoticedMs = 2_000

export const hostsOf = ({ servers, caller, backends }: Cluster): readonly Host[] => [
  ...servers,
  caller,
  ...backends,
]

/** Backends answer from here on with a program that no upgrade touches. */
export async function bringOwnServices(scene: Scene, cluster: Cluster): Promise<void> {
  for (const host of hostsOf(cluster)) {
    await host.exec('mkdir', '-p', folder)
    await host.push(join(root, `node_modules/node-linux-${process.arch}/bin/node`), `${folder}/node`)
    for (const script of scripts)
      await host.push(join(import.meta.dirname, `inside/${script}.ts`), `${folder}/${script}.mts`)
  }
  for (const name of ['vm5', 'vm6']) {
    await hostOf(scene, name).exec('systemctl', 'disable', '-q', '--now', 'backend')
    await begin(hostOf(scene, name), 'named-service', name, '9090')
  }
}

/** Begins to ask, to write and to look. */
export async function beginWatch(cluster: Cluster): Promise<Load> {
  for (const host of hostsOf(cluster))
    await begin(host, 'catalog-looks', `${folder}/catalog-looks.json`, 'backend=2', 'web=1', 'guest=1')
  const { web, guest } = lanes
  ok(web && guest)
  const rate = String(requestsPerSecond)
  await begin(cluster.caller, 'steady-client', web.url, rate, `${folder}/steady-client.json`)
  return Load.start(cluster.caller, { guest }, writesPerSecond)
}

export interface WatchReport {
  readonly steady: SteadyReport
  readonly others: Report
  readonly looks: readonly LookReport[]
  readonly writesKept: number
}

export async function endWatch(cluster: Cluster, load: Load): Promise<WatchReport> {
  const steady = await reportOf<SteadyReport>(cluster.caller, 'steady-client')
  const others = await load.stop()
  const looks: LookReport[] = []
  for (const host of hostsOf(cluster)) looks.push(await reportOf<LookReport>(host, 'catalog-looks'))
  return { steady, others, looks, writesKept: await nothingLost(cluster.caller) }
}

/** Nothing failed, nobody was let in, nothing was forgotten. `killedAtMs`: when a worker was killed. */
export function judge(report: WatchReport, killedAtMs: number): void {
  show(report, killedAtMs)
  const { steady, others, looks } = report
  const { failures, repeats } = steady
  deepEqual({ failed: steady.failed, failures }, { failed: 0, failures: [] })
  // What was open through the killed worker ended with it, and was asked for again.
  const elsewhere = repeats.filter(({ atMs }) => atMs < killedAtMs || atMs > killedAtMs + killNoticedMs)
  deepEqual(elsewhere, [])
  equal(repeats.length, steady.repeated)
  equal(steady.answered, steady.sent)
  const due = steady.seconds * requestsPerSecond
  ok(steady.sent >= due * 0.95, `${steady.sent} of ${due} requests`)
  deepEqual(others['guest']?.answers, {}, 'a caller that is denied was let in')
  ok(failuresOf(others['guest']) > 0)
  for (const { looks: answered, losses, lost } of looks) {
    ok(answered > 20, `${answered} looks at the catalog were answered`)
    deepEqual({ lost, losses }, { lost: 0, losses: [] })
  }
}

function show({ steady, others, looks, writesKept }: WatchReport, killedAtMs: number): void {
  const { failures, repeats, ...sums } = steady
  console.log(`# requests: ${JSON.stringify(sums)}`)
  for (const { atMs, connection, reason } of [...failures, ...repeats])
    console.log(`#   ${atMs - killedAtMs} ms after the kill, on a ${connection} connection: ${reason}`)
  const sum = (of: (one: LookReport) => number): number => looks.reduce((total, one) => total + of(one), 0)
  const [answered, unanswered] = [sum((one) => one.looks), sum((one) => one.unanswered)]
  const unwell = sum((one) => one.unwell)
  console.log(
    `# catalog: ${answered} looks answered, ${unanswered} not; at ${unwell} some check did not pass`,
  )
  const { writes, guest } = others
  console.log(
    `# writes: ${answersOf(writes)} acknowledged and all there (${writesKept}), ${failuresOf(writes)} refused; guest refused ${failuresOf(guest)} times`,
  )
}

async function begin(host: Host, script: string, ...words: readonly string[]): Promise<void> {
  const program = [`${folder}/node`, `${folder}/${script}.mts`]
  await host.exec('systemd-run', '-q', '--collect', `--unit=${script}`, ...program, ...words)
}

async function reportOf<Content>(host: Host, script: string): Promise<Content> {
  await host.exec('systemctl', 'stop', script)
  return JSON.parse(await host.exec('cat', `${folder}/${script}.json`)) as Content
}
