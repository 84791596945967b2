/**
 * `mesh proxy`, the holder, as a process: log, signals, systemd. What a proxy is, src/proxy says; SIGHUP replaces the worker
 * by a new process without refusing a connection, SIGTERM lets open connections finish for a short while. Apart from the
 * worker (program-proxy-worker.ts), whose TLS would cost the holder some megabytes that it never uses.
 */
import { createLog, type ProgramLog } from '../platform/log.ts'
import { createNotifier } from '../platform/systemd.ts'
import { type Proxy as ProxyHolder, startProxy } from '../proxy/start.ts'
import { exitStatus } from './failure.ts'
import type { ProgramOptions } from './program-options.ts'
import { handedOver, workerSettings } from './worker-settings.ts'

/** Runs until SIGTERM or SIGINT; the number is the exit status. */
export function runProxyHolder(options: ProgramOptions): Promise<number> {
  const { level, json } = options.configuration.settings.log
  const log = createLog({ level, json, fields: { program: 'proxy' } })
  const notifier = createNotifier(process.env)
  const proxy = startProxy({
    log,
    isolation: options.configuration.settings.proxy.isolation,
    controlSocketPath: options.sockets.control,
    worker: {
      ...options.programFiles,
      args: ['proxy-worker', ...options.configurationPaths.flatMap((path) => ['--config-file', path])],
      execArgv: process.execArgv,
      environment: handedOver(workerSettings(options)),
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

/** Ctrl-C under npm arrives twice; the second must not mean anything. */
function once(act: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    act()
  }
}
