// The proxy as a program of its own for tests: `holder STATE LINK` starts the holder, which runs this file as its worker.

import type { Log, LogFields } from '../../src/platform/ports.ts'
import { startProxy } from '../../src/proxy/start.ts'
import { startProxyWorker } from '../../src/proxy/start-worker.ts'

const [role, stateDirectory = '', linkSocketPath = ''] = process.argv.slice(2)

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

if (role === 'worker') startProxyWorker({ stateDirectory, linkSocketPath, log, version: 'test' })
else {
  const worker = { entry: import.meta.filename, args: ['worker', stateDirectory, linkSocketPath] }
  const proxy = startProxy({ log, worker })
  process.on('SIGHUP', () => proxy.reload())
  process.on('SIGTERM', () => {
    void proxy.stop().then(() => process.exit(0))
  })
}
