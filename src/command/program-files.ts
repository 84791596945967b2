/**
 * Where this program's files lie, for starting further processes of it. Does not know who starts them.
 * In the package the entry file lies beside a Node.js of its own, in a folder that is reached by a link; an upgrade swaps the
 * link. So neither is resolved there: a process that starts later is of the version that the host runs then.
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export interface ProgramFiles {
  readonly node: string
  readonly entry: string
}

/** `started` is the path that the program was started by, `running` the Node.js that runs it. */
export function programFiles(started: string, running: string): ProgramFiles {
  const entry = resolve(started)
  const node = join(dirname(entry), 'node')
  if (existsSync(node)) return { node, entry }
  // In a source tree the link may be anybody's, and replaced while the program runs.
  return { node: running, entry: realpathSync(entry) }
}
