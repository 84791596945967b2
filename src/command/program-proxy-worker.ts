/** A proxy's worker as a process. Its holder starts it (program-proxy.ts); what it does, src/proxy says. */
import { formatConfigError } from '../config/format.ts'
import type { ConfigError } from '../config/settings.ts'
import { createLog } from '../platform/log.ts'
import type { WorkerScope } from '../proxy/holder/scope.ts'
import { startProxyWorker } from '../proxy/start-worker.ts'
import { version } from './version.ts'
import type { WorkerSettings } from './worker-settings.ts'

/**
 * Never resolves: the worker ends its process itself, when its holder says so or is gone. `mistakes`: why the settings are
 * the holder's and not those of the files.
 */
export function runWorkerProcess(
  settings: WorkerSettings,
  scope: WorkerScope,
  mistakes: readonly ConfigError[] = [],
): Promise<number> {
  const { logLevel: level, logJson: json, ...rest } = settings
  const log = createLog({ level, json, fields: { program: 'proxy-worker' } })
  const [first] = mistakes
  if (first !== undefined)
    log.warn('the configuration is wrong; this worker goes on with the one that the proxy was started with', {
      code: 'invalid-config',
      reason: formatConfigError(first),
      mistakes: mistakes.length,
    })
  startProxyWorker({ ...rest, log, version, scope })
  return new Promise(() => undefined)
}
