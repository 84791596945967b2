/** The log of one of the proxy's processes, as the configuration asks for it. */
import { createLog, type ProgramLog } from '../platform/log.ts'
import type { ProgramOptions } from './program-options.ts'

export function logOf({ configuration }: ProgramOptions, program: string): ProgramLog {
  const { level, json } = configuration.settings.log
  return createLog({ level, json, fields: { program } })
}
