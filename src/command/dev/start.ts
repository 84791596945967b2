/**
 * `mesh dev`: the quickstart. A whole mesh as separate processes on loopback addresses, with the sample services of
 * config/examples/quickstart. With `once` it walks through the story and ends; without, it runs until Ctrl-C. Leaves nothing
 * behind either way.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stopSignal } from '../../platform/lifecycle.ts'
import { version } from '../version.ts'
import { writeEnvironment } from './environment.ts'
import { accepts, LocalMesh } from './mesh.ts'
import { Program, until } from './program.ts'
import { Screen } from './screen.ts'
import { tellStory } from './story.ts'

export interface DevOptions {
  readonly once: boolean
  /** Entry file of the program. */
  readonly entry: string
}

/** Where everything is; the services themselves are on 127.0.0.1, as their files say. */
export const addresses = { server: '127.0.0.1', alpha: '127.0.0.2', beta: '127.0.0.3' } as const
export const upstream = { host: '127.0.0.1', port: 9191 } as const

/** Everything that has to be free before anything is started. */
const wanted: readonly (readonly [host: string, port: number])[] = [
  [addresses.server, 8300],
  [addresses.alpha, 8301],
  [addresses.beta, 8301],
  [addresses.alpha, 8500],
  [addresses.beta, 8500],
  [addresses.alpha, 8600],
  [addresses.beta, 8600],
  ['127.0.0.1', 8080],
  ['127.0.0.1', 9090],
  [upstream.host, upstream.port],
]

export async function startDev(options: DevOptions): Promise<number> {
  const { entry } = options
  const screen = new Screen()
  const busy = await firstBusy()
  if (busy !== undefined) {
    screen.error(
      `${busy} is in use: is another \`npm start\` running? Stop what listens there and try again.`,
    )
    return 1
  }
  const directory = mkdtempSync(join(tmpdir(), 'mesh-'))
  const mesh = new LocalMesh({
    directory,
    entry,
    serverAddress: addresses.server,
    hosts: [
      { name: 'alpha', address: addresses.alpha, services: ['web'], files: example(entry, 'web.hcl') },
      { name: 'beta', address: addresses.beta, services: ['backend'], files: example(entry, 'backend.hcl') },
    ],
  })
  const samples = [
    sample(options, directory, ['web', '127.0.0.1:8080', `${upstream.host}:${upstream.port}`]),
    sample(options, directory, ['backend', '127.0.0.1:9090', '']),
  ]
  const ended = stopSignal().then(() => 'ended' as const)
  try {
    screen.title(`mesh-agent ${version}: a whole mesh on this machine`)
    const begun = await Promise.race([begin(mesh, samples, screen), ended])
    if (begun === 'ended') return 130
    if (options.once) {
      const told = await Promise.race([tellStory(mesh, screen), ended])
      return told === 'ended' ? 130 : 0
    }
    await invite(mesh, screen)
    await ended
    return 0
  } catch (error) {
    screen.error(error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    screen.progress('stopping')
    await Promise.all(samples.map((program) => program.stop()))
    await mesh.stop()
    screen.done('stopped', 'nothing is left behind')
  }
}

async function firstBusy(): Promise<string | undefined> {
  for (const [host, port] of wanted) if (await accepts(host, port)) return `${host}:${port}`
  return undefined
}

/** The examples lie beside the source, or where the package puts them. */
function example(entry: string, name: string): Readonly<Record<string, string>> {
  const folders = ['../config/examples/quickstart', '../../share/doc/mesh-agent/examples']
  const paths = folders.map((folder) => join(dirname(entry), folder, name))
  return { [name]: readFileSync(paths.find((path) => existsSync(path)) ?? '', 'utf8') }
}

function sample(
  { entry }: DevOptions,
  directory: string,
  [name, listen, ask]: readonly [name: string, listen: string, upstream: string],
): Program {
  const args = [entry, 'sample-service', '--name', name, '--listen', listen]
  return new Program({
    name: `service ${name}`,
    args: ask === '' ? args : [...args, '--upstream', ask],
    logFile: join(directory, `${name}.log`),
  })
}

/** Starts everything in the order in which an operator would, saying what came up. */
async function begin(mesh: LocalMesh, samples: readonly Program[], screen: Screen): Promise<void> {
  for (const program of samples) program.start()
  screen.progress('starting the server')
  await mesh.startServer()
  screen.done('server', `${addresses.server}:8300, leads a new cluster and is its certificate authority`)
  screen.progress('enrolling two hosts, each with a single-use token')
  await Promise.all(
    mesh.hosts.map(async (host) => {
      await mesh.startHost(host)
      const { name, address, services } = host.plan
      screen.done(`host ${name}`, `${address}, agent and proxy, enrolled to be ${services.join(', ')}`)
    }),
  )
  screen.progress('waiting until both services are in the mesh and healthy')
  const watching = [...mesh.programs, ...samples]
  await until('web and backend to be healthy', () => healthy(mesh), { watching })
  screen.done('services', 'web on alpha calls backend on beta; both healthy')
}

async function healthy(mesh: LocalMesh): Promise<true | undefined> {
  const host = mesh.host('alpha')
  for (const service of ['web', 'backend']) {
    const passing = await mesh.get(host, `/v1/health/connect/${service}?passing`)
    if (!Array.isArray(passing) || passing.length !== 1) return undefined
  }
  return (await accepts(upstream.host, upstream.port)) ? true : undefined
}

/** What a newcomer can do next, with everything that it needs in one line to paste. */
async function invite(mesh: LocalMesh, screen: Screen): Promise<void> {
  const alpha = mesh.host('alpha')
  await mesh.cli(['intention', 'allow', 'web', 'backend'], mesh.hostEnvironment(alpha))
  screen.title('running; web may call backend')
  screen.line('Try, in another terminal:')
  screen.command(`. ${writeEnvironment(mesh, alpha)}`, 'gives you the `mesh` command for this mesh')
  screen.command('curl http://127.0.0.1:8080/backend', 'web asks backend through the mesh')
  screen.command('mesh services', 'what is registered, and how it is')
  screen.command('mesh intention deny web backend', 'then curl again: refused, within a moment')
  screen.command('mesh intention allow web backend', 'and let through again')
  screen.command(`curl ${alpha.api}/v1/health/connect/backend?pretty`, 'the API that Consul’s tools speak')
  screen.line('')
  screen.line(`Logs: ${mesh.plan.directory}/*/*.log    End: Ctrl-C`)
}
