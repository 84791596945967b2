/** The folders of state and sockets as they lie on this host, and as the package's own files say that they should. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../../../config/settings.ts'
import { createStateFiles } from '../../../platform/state-files.ts'
import { readFormat } from '../../../server/consensus/format.ts'
import type { ProgramName } from '../judge/ports.ts'
import type { SocketFolderFacts, StateFolderFacts } from '../judge/state.ts'
import { type Line, refused } from '../line.ts'
import type { Accounts } from './accounts.ts'
import { below, factsOf } from './paths.ts'
import type { People } from './people.ts'

export function stateFolders(
  { dataDirectory }: Settings,
  programs: ReadonlySet<ProgramName>,
  { of }: People,
): readonly StateFolderFacts[] {
  return [...programs].map((program) => {
    const path = join(dataDirectory, program)
    const folder = factsOf(path)
    return { path, account: of[program], folder, below: folder === undefined ? [] : below(path) }
  })
}

/** An administrator's file of the same name replaces the package's (tmpfiles.d(5)). */
const declarations = ['/etc/tmpfiles.d/mesh-agent.conf', '/usr/lib/tmpfiles.d/mesh-agent.conf']

export function socketFolders(accounts: Accounts): readonly SocketFolderFacts[] {
  const file = declarations.find((path) => existsSync(path))
  return file === undefined ? [] : declaredFolders(readFileSync(file, 'utf8'), accounts)
}

/** Lines of tmpfiles.d(5) that make a folder. */
export function declaredFolders(text: string, accounts: Accounts): readonly SocketFolderFacts[] {
  return text.split('\n').flatMap((line) => {
    const [type, path = '', mode = '', owner = '', group = ''] = line.trim().split(/\s+/)
    if (type !== 'd' || group === '') return []
    const facts = factsOf(path)
    return [
      {
        path,
        wanted: { owner, group, mode: Number.parseInt(mode, 8) },
        found: facts?.isFolder
          ? { owner: accounts.userName(facts.uid), group: accounts.groupName(facts.gid), mode: facts.mode }
          : undefined,
      },
    ]
  })
}

/** A server's data directory of a newer version: no line where it can be used, or cannot be looked into. */
export function judgeFormat({ dataDirectory, server }: Settings): readonly Line[] {
  if (!server) return []
  const format = readFormat(createStateFiles(join(dataDirectory, 'server')))
  if (format.ok || format.failure.code !== 'format-too-new') return []
  return [refused('format-too-new', format.failure.message, 'install the newer version of mesh-agent again')]
}
