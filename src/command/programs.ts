/**
 * Starts the programs. Reads and checks the configuration first, so that all three say the same about a mistake in it, and
 * hands over what their composition roots need to read it again later.
 */
import { formatConfigError } from '../config/format.ts'
import { loadConfiguration } from '../config/load.ts'
import type { ConfigError, Configuration, Loaded } from '../config/settings.ts'
import { systemSourceFiles } from '../platform/source-files.ts'
import type { WorkerScope } from '../proxy/holder/scope.ts'
import type { SharedOptions } from './declare.ts'
import { exitStatus, systemReason } from './failure.ts'
import { systemMachine } from './machine.ts'
import { programFiles } from './program-files.ts'
import type { ProgramOptions } from './program-options.ts'
import type { UpgradeOptions } from './proxy-upgrade.ts'
import { socketPaths } from './socket-paths.ts'
import { version } from './version.ts'
import { takenOver, workerSettings } from './worker-settings.ts'

export const runAgent = (paths: readonly string[]): Promise<number> =>
  withConfiguration(paths, async (options) => {
    const { startAgent } = await import('../agent/start.ts')
    return startAgent(options)
  })

export const runServer = (paths: readonly string[]): Promise<number> =>
  withConfiguration(paths, async (options) => {
    const { startServer } = await import('../server/start.ts')
    return startServer(options)
  })

export const runProxy = (paths: readonly string[]): Promise<number> =>
  withConfiguration(paths, async (options) => {
    const { runProxyHolder } = await import('./program-proxy.ts')
    return runProxyHolder(options)
  })

/** `mesh proxy upgrade`: reads the configuration first, which the new workers read, too. */
export const runProxyUpgrade = (paths: readonly string[], options: UpgradeOptions): Promise<number> =>
  withConfiguration(paths, async ({ sockets }) => {
    const { upgradeProxy } = await import('./proxy-upgrade.ts')
    return upgradeProxy(sockets.control, options)
  })

export const runProxyWorkers = (paths: readonly string[], options: SharedOptions): Promise<number> =>
  withConfiguration(paths, async ({ sockets }) => {
    const { showWorkers } = await import('./proxy-upgrade.ts')
    return showWorkers(sockets.control, options)
  })

/** Started by the proxy's holder, whose settings serve where the files cannot be read. */
export async function runProxyWorker(paths: readonly string[], scope: WorkerScope): Promise<number> {
  const loaded = load(paths)
  const settings = loaded.ok ? workerSettings(optionsOf(paths, loaded.value)) : takenOver(process.env)
  if (settings === undefined) return reportMistakes(loaded.ok ? [] : loaded.errors)
  const { runWorkerProcess } = await import('./program-proxy-worker.ts')
  return runWorkerProcess(settings, scope, loaded.ok ? [] : loaded.errors)
}

export async function runDev(options: { readonly once: boolean }): Promise<number> {
  const { startDev } = await import('./dev/start.ts')
  return startDev({ ...options, entry: ownFiles().entry })
}

export async function runAgentDev(configuration: readonly string[]): Promise<number> {
  const { startAgentDev } = await import('./dev/agent-dev.ts')
  return startAgentDev({ entry: ownFiles().entry, configuration })
}

/**
 * For systemd's ExecCondition: 0 where this host has a server, 1 where it has none. A broken configuration gives 255: below
 * that systemd would pass over the server in silence.
 */
export function serverEnabled(paths: readonly string[]): number {
  const loaded = load(paths)
  if (!loaded.ok) {
    reportMistakes(loaded.errors)
    return exitStatus.condition
  }
  return loaded.value.settings.server ? exitStatus.done : exitStatus.failed
}

async function withConfiguration(
  paths: readonly string[],
  start: (options: ProgramOptions) => Promise<number>,
): Promise<number> {
  const loaded = load(paths)
  if (!loaded.ok) return reportMistakes(loaded.errors)
  return start(optionsOf(paths, loaded.value))
}

function optionsOf(paths: readonly string[], configuration: Configuration): ProgramOptions {
  return {
    configuration,
    load: (sources) => loadConfiguration(sources, systemMachine()),
    configurationPaths: paths,
    sockets: socketPaths(configuration.settings.runtimeDirectory),
    version,
    programFiles: ownFiles(),
  }
}

function load(paths: readonly string[]): Loaded<Configuration> {
  const { files, unreadable } = systemSourceFiles.read(paths)
  const errors = unreadable.map(
    ({ path, message }): ConfigError => ({
      path,
      line: 1,
      column: 1,
      what: 'the file or folder cannot be read',
      why: systemReason(message),
      remedy: 'correct its name or permissions, or leave it away',
    }),
  )
  return errors.length > 0 ? { ok: false, errors } : loadConfiguration(files, systemMachine())
}

function reportMistakes(errors: readonly ConfigError[]): number {
  for (const error of errors) process.stderr.write(`${formatConfigError(error)}\n`)
  process.stderr.write('mesh: the configuration is wrong, nothing was started\nTry: mesh validate PATH\n')
  return exitStatus.configuration
}

const ownFiles = () => programFiles(process.argv[1] ?? '', process.execPath)
