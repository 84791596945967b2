/** Reads the configuration as the programs would, and keeps apart what is missing, what is closed to this user and what is wrong. */
import { loadConfiguration } from '../../../config/load.ts'
import type { Configuration } from '../../../config/settings.ts'
import { systemSourceFiles } from '../../../platform/source-files.ts'
import { systemReason } from '../../failure.ts'
import { systemMachine } from '../../machine.ts'
import type { ConfigurationFacts } from '../judge/configuration.ts'
import { isEnrolled } from './identity.ts'
import { wayTo } from './paths.ts'

export interface ConfigurationLook {
  readonly facts: ConfigurationFacts
  /** Undefined where it cannot be used. */
  readonly configuration: Configuration | undefined
  /** What the programs would do with no file at all: where to look where the files say nothing usable. */
  readonly otherwise: Configuration | undefined
}

export function lookAtConfiguration(path: string): ConfigurationLook {
  const { files, unreadable } = systemSourceFiles.read([path])
  const machine = systemMachine()
  const loaded = loadConfiguration(files, machine)
  const empty = loadConfiguration([], machine)
  const isWhole = unreadable.length === 0
  return {
    facts: {
      path,
      files,
      unreadable: unreadable.map((one) => ({
        path: one.path,
        reason: systemReason(one.message),
        isDenied: /^E(ACCES|PERM)\b/.test(one.message),
      })),
      ways: files.map((file) => wayTo(file.path)),
      errors: loaded.ok ? [] : loaded.errors,
      services: loaded.ok ? loaded.value.definitions.services.length : 0,
      isEnrolled: empty.ok && isEnrolled(empty.value.settings),
    },
    configuration: loaded.ok && isWhole ? loaded.value : undefined,
    otherwise: empty.ok ? empty.value : undefined,
  }
}
