/** `mesh monitor`: the agent's log as it is written, until Ctrl-C. */
import { download } from './client-stream.ts'
import type { ConnectionFlags } from './connection.ts'
import { UsageFailure } from './failure.ts'

export interface MonitorOptions extends ConnectionFlags {
  readonly logLevel: string
  readonly logJson?: true
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export async function monitor(options: MonitorOptions): Promise<void> {
  const level = options.logLevel.toLowerCase()
  if (!['trace', 'err', ...logLevels].includes(level))
    throw new UsageFailure(`-log-level ${options.logLevel}: use one of ${logLevels.join(', ')}`)
  const json = options.logJson === true ? '&logjson=true' : ''
  await download(options, `/v1/agent/monitor?loglevel=${level}${json}`, process.stdout)
}
