/**
 * A program's stable id: given by the configuration, or made once at random and kept in its state folder. The catalog
 * knows a host, and consensus a server, by it across renames and reinstallations of the program.
 */
import { failed, ok, type Result } from '../model/errors.ts'
import { isUuid, uuidFromBytes } from '../model/ids.ts'
import type { Random, StateFiles } from './ports.ts'

/** Below the program's state folder. */
export const nodeIdPath = 'node-id'

/** `configured` is the setting `node_id`, '' where there is none; it wins over what was kept. */
export function ensureNodeId(files: StateFiles, random: Random, configured: string): Result<string> {
  if (configured !== '') return ok(configured)
  const kept = keptId(files)
  if (kept !== undefined) return kept
  const id = uuidFromBytes(random.bytes(16))
  // `mesh enroll` may be typed while the agent starts: both have to end with the same id.
  const error = files.write(nodeIdPath, new TextEncoder().encode(`${id}\n`), { ifAbsent: true })
  if (error === undefined) return ok(id)
  const other = error.code === 'exists' ? keptId(files) : undefined
  return other ?? failed('internal', `${nodeIdPath} cannot be written: ${error.message}`)
}

function keptId(files: StateFiles): Result<string> | undefined {
  const kept = files.read(nodeIdPath)
  if (kept === undefined) return undefined
  const id = new TextDecoder().decode(kept).trim()
  if (isUuid(id)) return ok(id)
  return failed(
    'invalid-config',
    `${nodeIdPath} in the state folder is no UUID; restore it, or remove it and enroll this host again`,
  )
}
