/**
 * No two logs have the same salt: a file of one server's log that comes into another's directory, by a restored backup
 * perhaps, must not read like a part of it. What else a file of a log says is judged when a server starts from it.
 */
import type { Disk } from '../../../src/platform/ports.ts'
import { decodePreamble, walDirectory } from '../../../src/server/consensus/segment.ts'
import { hold } from '../violation.ts'

/** Each server has just set up its directory. */
export function checkSalts(servers: readonly { readonly id: string; readonly disk: Disk }[]): void {
  const owners = new Map<number, string>()
  for (const { id, disk } of servers) {
    const [first] = disk.list(walDirectory)
    const bytes = first === undefined ? undefined : disk.read(`${walDirectory}/${first}`)
    const salt = bytes === undefined ? undefined : decodePreamble(bytes)?.salt
    hold(salt !== undefined && salt !== 0, 'salt', () => `the log of ${id} has no salt`)
    hold(!owners.has(salt), 'salt', () => `${id} and ${owners.get(salt)} have logs of the same salt, ${salt}`)
    owners.set(salt, id)
  }
}
