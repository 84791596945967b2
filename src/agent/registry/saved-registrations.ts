/**
 * Registrations that came through the HTTP API, kept so that a restart of the agent or the host brings them back: one
 * file per service with its checks and sidecar, one per check registered by itself, and one with the sidecars' ports.
 */
import type { CheckDefinition } from '../../model/check.ts'
import { ok, type Result } from '../../model/errors.ts'
import type { ServiceDefinition } from '../../model/service.ts'
import type { Log, StateFiles } from '../../platform/ports.ts'
import { readSaved, refuseNewer, removeSaved, savedPath, writeSaved } from './saved-file.ts'

const servicesFolder = 'services'
const checksFolder = 'checks'
const portsPath = 'sidecar-ports.json'

export class SavedRegistrations {
  readonly #files: StateFiles
  readonly #log: Log

  constructor(files: StateFiles, log: Log) {
    this.#files = files
    this.#log = log
  }

  /** Fails where a newer program left registrations: without them the agent would take services out of the catalog. */
  readable(): Result<true> {
    const inFolder = (folder: string): readonly string[] =>
      this.#files.list(folder).map((name) => `${folder}/${name}`)
    for (const path of [portsPath, ...inFolder(servicesFolder), ...inFolder(checksFolder)]) {
      const known = refuseNewer(this.#files, path)
      if (!known.ok) return known
    }
    return ok(true)
  }

  services(): readonly ServiceDefinition[] {
    return this.#all(servicesFolder).flatMap((saved) => {
      const definition = saved['definition'] as ServiceDefinition | undefined
      return typeof definition?.service?.id === 'string' ? [definition] : []
    })
  }

  checks(): readonly CheckDefinition[] {
    return this.#all(checksFolder).flatMap((saved) => {
      const definition = saved['definition'] as CheckDefinition | undefined
      return typeof definition?.checkId === 'string' ? [definition] : []
    })
  }

  /** Durable when it returns ok. */
  writeService(definition: ServiceDefinition): Result<true> {
    return writeSaved(this.#files, savedPath(servicesFolder, definition.service.id), { definition }, true)
  }

  writeCheck(definition: CheckDefinition): Result<true> {
    return writeSaved(this.#files, savedPath(checksFolder, definition.checkId), { definition }, true)
  }

  /** A file that stays would bring back at the next start what was removed, so a failure is the caller's. */
  removeService(id: string): Result<true> {
    return removeSaved(this.#files, savedPath(servicesFolder, id))
  }

  removeCheck(checkId: string): Result<true> {
    return removeSaved(this.#files, savedPath(checksFolder, checkId))
  }

  ports(): Map<string, number> {
    const ports = new Map<string, number>()
    const saved = readSaved(this.#files, portsPath, this.#log)?.['ports']
    if (typeof saved === 'object' && saved !== null)
      for (const [id, port] of Object.entries(saved)) if (Number.isInteger(port)) ports.set(id, Number(port))
    return ports
  }

  writePorts(ports: ReadonlyMap<string, number>): Result<true> {
    return writeSaved(this.#files, portsPath, { ports: Object.fromEntries(ports) }, true)
  }

  #all(folder: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#files.list(folder).flatMap((name) => {
      const saved = readSaved(this.#files, `${folder}/${name}`, this.#log)
      return saved === undefined ? [] : [saved]
    })
  }
}
