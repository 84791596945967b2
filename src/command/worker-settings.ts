/**
 * What a proxy's worker takes from the configuration. Its holder hands its own over, so that a worker that dies while an
 * operator has the files half written comes back with the last that were right, and traffic goes on.
 */
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { ProgramOptions } from './program-options.ts'

export interface WorkerSettings {
  readonly stateDirectory: string
  readonly linkSocketPath: string
  readonly accessLogPath: string
  readonly logLevel: Settings['log']['level']
  readonly logJson: boolean
}

export function workerSettings({ configuration, sockets }: ProgramOptions): WorkerSettings {
  const { dataDirectory, proxy, log } = configuration.settings
  return {
    stateDirectory: join(dataDirectory, 'proxy'),
    linkSocketPath: sockets.link,
    accessLogPath: proxy.accessLogPath,
    logLevel: log.level,
    logJson: log.json,
  }
}

/** In the environment and not an argument, which a worker of another version might refuse to start with. */
const variable = 'MESH_WORKER_SETTINGS'

/** Variables of a worker's process: paths and forms, nothing secret. */
export const handedOver = (settings: WorkerSettings): Readonly<Record<string, string>> => ({
  [variable]: JSON.stringify(settings),
})

/** Undefined where no holder, or one of another version, handed over something else. */
export function takenOver(environment: NodeJS.ProcessEnv): WorkerSettings | undefined {
  const text = environment[variable] ?? ''
  let read: Partial<Record<keyof WorkerSettings, unknown>>
  try {
    read = JSON.parse(text) as typeof read
  } catch {
    return undefined
  }
  const { stateDirectory, linkSocketPath, accessLogPath, logLevel, logJson } = read
  const texts = [stateDirectory, linkSocketPath, accessLogPath, logLevel]
  if (!texts.every((value) => typeof value === 'string') || typeof logJson !== 'boolean') return undefined
  return read as WorkerSettings
}
