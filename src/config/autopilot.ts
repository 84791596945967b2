/**
 * The `autopilot` block of a server's configuration: with which rules a new cluster begins. A cluster that has rules
 * already keeps them, whatever stands here; they are changed with `mesh operator autopilot set-config`.
 */
import { type AutopilotConfig, autopilotDefaults } from '../model/autopilot.ts'
import { limits } from '../model/limits.ts'
import { consulOnly } from './refusals.ts'
import { duration, toggle, wholeNumber } from './scalars.ts'
import { type Given, one, schema } from './schema.ts'

const hour = 3_600_000

const shape = {
  cleanup_dead_servers: one(toggle),
  last_contact_threshold: one(
    duration({ example: '200ms', minMs: 1, maxMs: hour, whyMin: 'no server answers in no time' }),
  ),
  max_trailing_logs: one(
    wholeNumber({ form: 'a whole number that is not negative', example: 250, min: 0, max: 1_000_000_000 }),
  ),
  min_quorum: one(
    wholeNumber({
      form: `a whole number from 0 to ${limits.serversPerCluster}`,
      example: 3,
      min: 0,
      max: limits.serversPerCluster,
    }),
  ),
  server_stabilization_time: one(
    duration({ example: '10s', minMs: 0, maxMs: hour, whyMin: 'it cannot be negative' }),
  ),
  dead_server_last_contact: one(
    duration({
      example: '10m',
      minMs: 1_000,
      maxMs: 24 * 24 * hour,
      whyMin: 'a server that restarts must not be removed',
    }),
  ),
}

export const autopilotSchema = schema('the `autopilot` block', shape, {
  refusals: consulOnly(['redundancy_zone_tag', 'disable_upgrade_migration', 'upgrade_version_tag']),
})

export function autopilotOf(keys: Given<typeof shape> | undefined): AutopilotConfig {
  const defaults = autopilotDefaults
  return {
    cleanupDeadServers: keys?.cleanup_dead_servers?.value ?? defaults.cleanupDeadServers,
    lastContactThresholdMs: keys?.last_contact_threshold?.value ?? defaults.lastContactThresholdMs,
    maxTrailingLogs: keys?.max_trailing_logs?.value ?? defaults.maxTrailingLogs,
    minQuorum: keys?.min_quorum?.value ?? defaults.minQuorum,
    serverStabilizationTimeMs: keys?.server_stabilization_time?.value ?? defaults.serverStabilizationTimeMs,
    deadServerLastContactMs: keys?.dead_server_last_contact?.value ?? defaults.deadServerLastContactMs,
  }
}
