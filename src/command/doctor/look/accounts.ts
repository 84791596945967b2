/**
 * Users and groups of this machine, from its local files: a directory service must not be able to hang the doctor, and the
 * package makes its users locally.
 */
import { readFileSync } from 'node:fs'
import type { Account } from '../judge/account.ts'

export interface Accounts {
  /** Undefined where there is no such user. */
  user(name: string): Account | undefined
  /** The name, or the number where it has none. */
  userName(uid: number): string
  groupName(gid: number): string
}

export function readAccounts(folder = '/etc'): Accounts {
  const users = rows(`${folder}/passwd`).filter((row) => row.length >= 4)
  const groups = rows(`${folder}/group`).filter((row) => row.length >= 3)
  const nameOf = (table: readonly (readonly string[])[], id: number): string =>
    table.find((row) => row[2] === String(id))?.[0] ?? String(id)
  return {
    user(name) {
      const row = users.find(([user]) => user === name)
      if (row === undefined) return undefined
      const more = groups.filter((group) => (group[3] ?? '').split(',').includes(name))
      return { name, uid: Number(row[2]), gids: [row[3], ...more.map((group) => group[2])].map(Number) }
    },
    userName: (uid) => nameOf(users, uid),
    groupName: (gid) => nameOf(groups, gid),
  }
}

/** Lines of passwd(5) and group(5), cut at the colons. */
function rows(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
  } catch {
    return []
  }
}
