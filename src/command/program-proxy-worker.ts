/** A proxy's worker as a process. Its holder starts it (program-proxy.ts); what it does, src/proxy says. */
import { join } from 'node:path'
import type { WorkerScope } from '../proxy/holder/scope.ts'
import { startProxyWorker } from '../proxy/start-worker.ts'
import { logOf } from './program-log.ts'
import type { ProgramOptions } from './program-options.ts'

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
