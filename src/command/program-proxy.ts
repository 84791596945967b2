/**
 * `mesh proxy` and its worker as processes: log, signals, systemd. What a proxy is, src/proxy says; SIGHUP replaces the worker
 * by a new process without refusing a connection, SIGTERM lets open connections finish for a short while.
 */
import { join } from 'node:path'
import { createLog, type ProgramLog } from '../platform/log.ts'
import { createNotifier } from '../platform/systemd.ts'
import type { WorkerScope } from '../proxy/holder/scope.ts'
import { type Proxy as ProxyHolder, startProxy } from '../proxy/start.ts'
import { startProxyWorker } from '../proxy/start-worker.ts'
import { exitStatus } from './failure.ts'
import type { ProgramOptions } from './program-options.ts'

/** Runs until SIGTERM or SIGINT; the number is the exit status. */
export function runProxyHolder(options: ProgramOptions): Promise<number> {
  const log = logOf(options, 'proxy')
  const notifier = createNotifier(process.env)
  const proxy = startProxy({
    log,
    isolation: options.configuration.settings.proxy.isolation,
    controlSocketPath: options.sockets.control,
    worker: {
      entry: options.entry,
      args: ['proxy-worker', ...options.configurationPaths.flatMap((path) => ['--config-file', path])],
      execArgv: process.execArgv,
    },
  })
  process.on('SIGHUP', () => {
    log.info('replacing the worker')
    proxy.reload()
  })
  // The holder's loop does nothing but hold; one that turns at all is alive.
  const endWatch = notifier.watch(() => true)
  notifier.ready('holding the listeners of this host')
  return new Promise((resolve) => {
    const stop = once(() => {
      notifier.stopping()
      endWatch()
      stopProxy(proxy, log, resolve)
    })
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

function stopProxy(proxy: ProxyHolder, log: ProgramLog, resolve: (status: number) => void): void {
  log.info('stopping')
  proxy.stop().then(
    () => resolve(exitStatus.done),
    (error: unknown) => {
      log.error('stopping failed', { error })
      resolve(exitStatus.failed)
    },
  )
}

/** Never resolves: the worker ends its process itself, when its holder says so or is gone. */
export function runWorkerProcess(options: ProgramOptions, scope: WorkerScope): Promise<number> {
  const { settings } = options.configuration
  startProxyWorker({
    stateDirectory: join(settings.dataDirectory, 'proxy'),
    linkSocketPath: options.sockets.link,
    log: logOf(options, 'proxy-worker'),
    version: options.version,
    accessLogPath: settings.proxy.accessLogPath,
    scope,
  })
  return new Promise(() => undefined)
}

function logOf({ configuration }: ProgramOptions, program: string): ProgramLog {
  const { level, json } = configuration.settings.log
  return createLog({ level, json, fields: { program } })
}

/** Ctrl-C under npm arrives twice; the second must not mean anything. */
function once(act: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    act()
  }
}
