/**
 * The programs: agent, server, proxy. Each has one composition root of its own; here is only how it is called.
 */
import type { Command } from 'commander'
import type { WorkerScope } from '../proxy/holder/scope.ts'
import { collect, declare, type Outcome, type SharedOptions, withOutput } from './declare.ts'
import type { SampleOptions } from './dev/sample.ts'
import type { UpgradeOptions } from './proxy-upgrade.ts'

interface ConfigurationOptions {
  readonly configDir?: readonly string[]
  readonly configFile?: readonly string[]
}

const defaultConfiguration = '/etc/mesh-agent'

export function declarePrograms(program: Command, outcome: Outcome): void {
  program.commandsGroup('Programs:')
  withConfiguration(declare(program, 'agent', 'run the agent of this host'))
    .option('--dev', 'with a server and a proxy of its own on 127.0.0.1; nothing is kept')
    .action(async (options: ConfigurationOptions & { readonly dev?: true }) => {
      const { runAgent, runAgentDev } = await import('./programs.ts')
      outcome.status =
        options.dev === true ? await runAgentDev(namedIn(options)) : await runAgent(pathsOf(options))
    })
  withConfiguration(declare(program, 'server', 'run a server: catalog, intentions, certificate authority'))
    .summary('run a server')
    .option('--enabled', 'only tell by the exit status: is `server = true`?')
    .action(async (options: ConfigurationOptions & { readonly enabled?: true }) => {
      const { runServer, serverEnabled } = await import('./programs.ts')
      outcome.status =
        options.enabled === true ? serverEnabled(pathsOf(options)) : await runServer(pathsOf(options))
    })
  declareProxy(program, outcome)
  declare(program, 'dev', 'try a whole mesh with sample services on this machine')
    .summary('try a whole mesh on this machine')
    .option('--once', 'walk through the story once, show each proof and end')
    .action(async (options: { readonly once?: true }) => {
      const { runDev } = await import('./programs.ts')
      outcome.status = await runDev({ once: options.once === true })
    })
  program
    .command('sample-service', { hidden: true })
    .requiredOption('--name <name>')
    .requiredOption('--listen <host:port>')
    .option('--upstream <host:port>', 'what `/backend` asks', '')
    .action(async (options: SampleOptions) => {
      const { runSample } = await import('./dev/sample.ts')
      outcome.status = await runSample(options)
    })
}

function declareProxy(program: Command, outcome: Outcome): void {
  const proxy = declare(program, 'proxy', 'run the proxy of this host')
  withConfiguration(proxy).action(async (options: ConfigurationOptions) => {
    const { runProxy } = await import('./programs.ts')
    outcome.status = await runProxy(pathsOf(options))
  })
  const upgrade = declare(
    proxy,
    'upgrade',
    'replace its workers by the program of now, refusing no connection',
  )
    .option('--drain-time <duration>', 'how long open connections stay with the old workers (default: 2m)')
    .addHelpText(
      'after',
      '\nExit status: 0 all replaced, 1 an old worker goes on. Needs root, or the user mesh-proxy.',
    )
  withOutput(withConfiguration(upgrade)).action(async (_options: unknown, command: Command) => {
    const { runProxyUpgrade } = await import('./programs.ts')
    const options: ConfigurationOptions & UpgradeOptions = command.optsWithGlobals()
    outcome.status = await runProxyUpgrade(pathsOf(options), options)
  })
  const workers = declare(proxy, 'workers', 'the processes that serve, and for what')
  withOutput(withConfiguration(workers)).action(async (_options: unknown, command: Command) => {
    const { runProxyWorkers } = await import('./programs.ts')
    const options: ConfigurationOptions & SharedOptions = command.optsWithGlobals()
    outcome.status = await runProxyWorkers(pathsOf(options), options)
  })
  withConfiguration(program.command('proxy-worker', { hidden: true }))
    .option('--service <name>', 'serves only this one')
    .option('--guide', 'tells the holder which services there are')
    .action(async (options: ConfigurationOptions & ScopeOptions) => {
      const { runProxyWorker } = await import('./programs.ts')
      outcome.status = await runProxyWorker(pathsOf(options), scopeOf(options))
    })
}

interface ScopeOptions {
  readonly service?: string
  readonly guide?: true
}

function scopeOf({ service, guide }: ScopeOptions): WorkerScope {
  if (guide === true) return { kind: 'guide' }
  return service === undefined ? { kind: 'host' } : { kind: 'service', service }
}

function withConfiguration(command: Command): Command {
  return command
    .option('--config-dir <folder>', 'folder of *.hcl and *.json files; may be repeated', collect)
    .option('--config-file <file>', 'one more file; may be repeated', collect)
    .addHelpText(
      'after',
      `\nWithout either: ${defaultConfiguration}. Exit status 78: the configuration is wrong.`,
    )
}

const namedIn = (options: ConfigurationOptions): readonly string[] => [
  ...(options.configDir ?? []),
  ...(options.configFile ?? []),
]

function pathsOf(options: ConfigurationOptions): readonly string[] {
  const paths = namedIn(options)
  return paths.length === 0 ? [defaultConfiguration] : paths
}
