// The proxy as a program of its own for tests: `holder STATE LINK CONTROL ISOLATION` starts the holder, which runs this file as its worker.

import type { Log, LogFields } from '../../src/platform/ports.ts'
import type { WorkerScope } from '../../src/proxy/holder/scope.ts'
import { startProxy } from '../../src/proxy/start.ts'
import { startProxyWorker } from '../../src/proxy/start-worker.ts'

const [role, stateDirectory = '', linkSocketPath = '', controlSocketPath = '', isolation = 'host', ...more] =
  process.argv.slice(2)

function scope(): WorkerScope {
  if (more[0] === '--guide') return { kind: 'guide' }
  return more[0] === '--service' ? { kind: 'service', service: more[1] ?? '' } : { kind: 'host' }
}

const at =
  (level: string) =>
  (message: string, fields: LogFields = {}): void => {
    process.stdout.write(`${JSON.stringify({ role, level, message, ...fields })}\n`)
  }
const log: Log = {
  debug: at('debug'),
  info: at('info'),
  warn: at('warn'),
  error: at('error'),
  with: () => log,
}

// With --expose-gc: what is in use once nothing is left to collect.
const collect = globalThis.gc
if (role === 'worker' && collect !== undefined)
  process.on('SIGUSR2', () => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    log.info('memory', { heapUsed, external })
  })

if (role === 'worker')
  startProxyWorker({ stateDirectory, linkSocketPath, log, version: 'test', scope: scope() })
else {
  const worker = {
    entry: import.meta.filename,
    args: ['worker', stateDirectory, linkSocketPath, controlSocketPath, isolation],
    execArgv: process.execArgv,
  }
  const proxy = startProxy({
    log,
    worker,
    isolation: isolation === 'service' ? 'service' : 'host',
    controlSocketPath,
  })
  process.on('SIGHUP', () => proxy.reload())
  process.on('SIGTERM', () => {
    void proxy.stop().then(() => process.exit(0))
  })
}
