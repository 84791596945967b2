/**
 * `mesh agent -dev`: a server, an agent and a proxy on 127.0.0.1 with nothing to configure and nothing kept. The host may
 * be any service; its service files are the ones that are named.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopSignal } from '../../platform/lifecycle.ts'
import { version } from '../version.ts'
import { writeEnvironment } from './environment.ts'
import { accepts, LocalMesh } from './mesh.ts'
import { Screen } from './screen.ts'

export interface AgentDevOptions {
  readonly entry: string
  /** Files and folders with service definitions; may be none. */
  readonly configuration: readonly string[]
}

const address = '127.0.0.1'

export async function startAgentDev({ entry, configuration }: AgentDevOptions): Promise<number> {
  const screen = new Screen()
  for (const port of [8300, 8301, 8500, 8600])
    if (await accepts(address, port)) {
      screen.error(`${address}:${port} is in use; stop what listens there and try again.`)
      return 1
    }
  const directory = mkdtempSync(join(tmpdir(), 'mesh-'))
  const host = { name: 'dev', address, services: ['*'], files: {}, configuration }
  const mesh = new LocalMesh({ directory, entry, serverAddress: address, hosts: [host] })
  const ended = stopSignal().then(() => 'ended' as const)
  try {
    screen.title(`mesh-agent ${version}: development mode, nothing is kept`)
    if ((await Promise.race([begin(mesh, screen), ended])) === 'ended') return 130
    await ended
    return 0
  } catch (error) {
    screen.error(error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    await mesh.stop()
    screen.done('stopped', 'nothing is left behind')
  }
}

async function begin(mesh: LocalMesh, screen: Screen): Promise<void> {
  screen.progress('starting server, agent and proxy')
  await mesh.start()
  const host = mesh.host('dev')
  screen.done('running', `HTTP API at ${host.api}, this host may be any service`)
  screen.line('')
  screen.line('In another terminal:')
  screen.command(`. ${writeEnvironment(mesh, host)}`, 'gives you the `mesh` command for this mesh')
  screen.command('mesh services register FILE', 'registers a service')
  screen.command('mesh intention allow SOURCE DEST', 'without an intention everything is denied')
  screen.line('')
  screen.line(`Logs: ${mesh.plan.directory}/*/*.log    End: Ctrl-C`)
}
