/**
 * The group that may use the agent's unix socket, from its name to its number. Reads the local group file only: a start
 * must not hang on a directory service.
 */
import { readFileSync } from 'node:fs'
import { failed, ok, type Result } from '../../model/errors.ts'

/** `name` may be a number. Fails where this machine has no such group. */
export function groupIdOf(name: string, groupFile = '/etc/group'): Result<number> {
  if (/^\d+$/.test(name)) return ok(Number(name))
  const id = readGroups(groupFile).get(name)
  if (id !== undefined) return ok(id)
  return failed(
    'invalid-config',
    `unix_sockets { group = "${name}" }: ${groupFile} has no such group; create it with \`groupadd --system ${name}\``,
  )
}

/** Lines of group(5): name, password, number, members, separated by colons. */
function readGroups(path: string): ReadonlyMap<string, number> {
  try {
    const rows = readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
    return new Map(rows.filter((row) => row.length >= 3).map((row) => [row[0] ?? '', Number(row[2])]))
  } catch {
    return new Map()
  }
}
