/**
 * Which settings of the agent take effect without a restart, and what a new configuration changes. Settings that only a
 * server reads are not looked at: the server follows its files by itself.
 */
import type { Settings } from '../../config/settings.ts'
import { sameValue } from '../../model/equality.ts'

export type SettingName = keyof Settings

const reloadable: ReadonlySet<SettingName> = new Set([
  'log',
  'nodeMeta',
  'checkUpdateIntervalMs',
  'dns',
  'httpMaxConnectionsPerClient',
])

const serverOnly: ReadonlySet<SettingName> = new Set([
  'bootstrapEntries',
  'defaultIntentionAction',
  'leafTtlMs',
  'requestLimits',
])

export interface SettingsChange {
  /** The present settings with what may change while running taken from the new ones. */
  readonly effective: Settings
  readonly changed: readonly SettingName[]
  /** Changed in the files, and waiting for a restart of the agent. */
  readonly needRestart: readonly SettingName[]
}

/** `running` are the settings in force, `read` what the files say now. */
export function compareSettings(running: Settings, read: Settings): SettingsChange {
  const names = Object.keys(read) as readonly SettingName[]
  const differing = names.filter((name) => !serverOnly.has(name) && !sameValue(running[name], read[name]))
  const changed = differing.filter((name) => reloadable.has(name))
  const taken = Object.fromEntries(changed.map((name) => [name, read[name]]))
  return {
    effective: { ...running, ...taken },
    changed,
    needRestart: differing.filter((name) => !reloadable.has(name)),
  }
}
