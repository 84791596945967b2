/** Writes what servers say about themselves and how the leader looks after them; nothing where it is so already. */
import type { AutopilotConfig, ServerInfo } from '../../model/autopilot.ts'
import { key1, settingsKey } from './keys.ts'
import { type Row, sameRow, stamped } from './row.ts'
import type { Transaction } from './transaction.ts'

export function autopilotConfig(tx: Transaction): Row<AutopilotConfig> | undefined {
  return tx.edits.autopilot.get(settingsKey)
}

/** True if it was news. */
export function putAutopilot(tx: Transaction, config: AutopilotConfig): boolean {
  const before = autopilotConfig(tx)
  if (before !== undefined && sameRow(before, config)) return false
  tx.edits.autopilot.set(settingsKey, stamped(tx.index, config, before))
  tx.touchTable('autopilot')
  return true
}

export function putServer(tx: Transaction, server: ServerInfo): boolean {
  const before = tx.edits.servers.get(key1(server.id))
  if (before !== undefined && sameRow(before, server)) return false
  tx.edits.servers.set(key1(server.id), stamped(tx.index, server, before))
  tx.touchTable('servers')
  return true
}
