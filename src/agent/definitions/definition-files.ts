/**
 * The configuration files of this host while the agent runs: read again on a change or when asked, applied as a whole or
 * not at all. A file with a mistake leaves everything as it was and stays readable as a list of errors.
 * Knows nothing of HCL (config/) and of what a registration means (registry/).
 */
import { formatConfigError } from '../../config/format.ts'
import type { ConfigError, Configuration, Loaded, Settings, SourceFile } from '../../config/settings.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, SourceFiles, Timer } from '../../platform/ports.ts'
import type { LocalRegistry } from '../contract.ts'
import { compareSettings, type SettingName } from './reloadable-settings.ts'

export interface DefinitionFilesOptions {
  readonly files: SourceFiles
  /** Files and folders as the operator named them. */
  readonly paths: readonly string[]
  readonly load: (sources: readonly SourceFile[]) => Loaded<Configuration>
  readonly registry: Pick<LocalRegistry, 'replaceFileDefinitions'>
  /** Takes the settings in force after a reload changed some of those that can change. */
  readonly onSettings: (settings: Settings, changed: readonly SettingName[]) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface ReloadReport {
  readonly services: number
  readonly checks: number
  readonly changedSettings: readonly SettingName[]
  readonly needRestart: readonly SettingName[]
}

/** A file is written in several steps; what is read in between would be half of it. */
const settleMs = 300

export class DefinitionFiles {
  readonly #options: DefinitionFilesOptions
  #settings: Settings
  #errors: readonly ConfigError[] = []
  #watch: { close(): void } | undefined
  #timer: Timer | undefined

  /** `settings` are those that the agent was started with. */
  constructor(options: DefinitionFilesOptions, settings: Settings) {
    this.#options = options
    this.#settings = settings
  }

  /** Applies what was read at start and follows the files from now on, also where it was refused. */
  start(initial: Configuration): Result<ReloadReport> {
    const { files, paths, clock } = this.#options
    this.#watch = files.watch(paths, () => {
      this.#timer ??= clock.after(settleMs, () => {
        this.#timer = undefined
        this.reload()
      })
    })
    return this.#report(this.#apply(initial))
  }

  stop(): void {
    this.#watch?.close()
    this.#timer?.cancel()
  }

  /** Mistakes of the last reading; empty when what is in the files is what is in force. */
  errors(): readonly ConfigError[] {
    return this.#errors
  }

  /** The settings in force. */
  settings(): Settings {
    return this.#settings
  }

  /** Reads the files now. On failure the message names each mistake on a line, and the old state stands. */
  reload(): Result<ReloadReport> {
    const { files, paths, load } = this.#options
    const { files: sources, unreadable } = files.read(paths)
    if (unreadable.length > 0) return this.#report({ ok: false, errors: unreadable.map(cannotRead) })
    const loaded = load(sources)
    return this.#report(loaded.ok ? this.#apply(loaded.value) : loaded)
  }

  #apply({ settings, definitions }: Configuration): Loaded<ReloadReport> {
    const { registry, paths, onSettings } = this.#options
    const { services, checks } = definitions
    const result = registry.replaceFileDefinitions(services, checks)
    if (!result.ok) return { ok: false, errors: [refusedByRegistry(paths, result.failure.message)] }
    const { effective, changed, needRestart } = compareSettings(this.#settings, settings)
    this.#settings = effective
    if (changed.length > 0) onSettings(effective, changed)
    const value = { services: services.length, checks: checks.length, changedSettings: changed, needRestart }
    return { ok: true, value }
  }

  #report(loaded: Loaded<ReloadReport>): Result<ReloadReport> {
    const { log, metrics } = this.#options
    this.#errors = loaded.ok ? [] : loaded.errors
    metrics.count('mesh_config_reloads_total', { outcome: loaded.ok ? 'ok' : 'refused' })
    metrics.gauge('mesh_config_errors', this.#errors.length)
    if (loaded.ok) {
      const { services, checks, changedSettings, needRestart } = loaded.value
      log.info('the configuration files are in force', {
        services,
        checks,
        ...(changedSettings.length > 0 && { changedSettings }),
        ...(needRestart.length > 0 && { needRestart }),
      })
      return ok(loaded.value)
    }
    const lines = loaded.errors.slice(0, limits.configErrorsShown).map(formatConfigError)
    log.error('the configuration files have mistakes; the state before stays in force', { errors: lines })
    return failed(
      'invalid-config',
      [...lines, 'nothing was changed: the state before stays in force'].join('\n'),
    )
  }
}

function cannotRead({ path, message }: { readonly path: string; readonly message: string }): ConfigError {
  return {
    path,
    line: 1,
    column: 1,
    what: 'the file cannot be read',
    why: message,
    remedy: 'make it readable for the agent’s user, or remove it from the configuration',
  }
}

/** What only the running agent can know, such as an id that the HTTP API registered. */
function refusedByRegistry(paths: readonly string[], message: string): ConfigError {
  return {
    path: paths[0] ?? '',
    line: 1,
    column: 1,
    what: message,
    why: 'it does not fit what is registered on this host',
    remedy: 'correct the definition and reload',
  }
}
