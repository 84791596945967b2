/** Who runs the programs of this host: the users of the package where it is installed, else whoever asks. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Account } from '../judge/account.ts'
import type { ProgramName } from '../judge/ports.ts'
import { amiss, type Line } from '../line.ts'
import { type Accounts, readAccounts } from './accounts.ts'

export interface People {
  readonly accounts: Accounts
  readonly of: Readonly<Record<ProgramName, Account>>
  /** From the package: units, users, folders of sockets are to be as it made them. */
  readonly isPackaged: boolean
  readonly missing: readonly Line[]
}

const unitFile = '/usr/lib/systemd/system/mesh-agent.service'
/** Nobody has it, so that whatever belongs to somebody belongs to another. */
const noUid = -1

export function findPeople(): People {
  const accounts = readAccounts()
  const isPackaged = existsSync(unitFile)
  const missing: Line[] = []
  const accountOf = (program: ProgramName): Account => {
    const name = `mesh-${program}`
    if (!isPackaged)
      return { name: userInfo().username, uid: process.getuid?.() ?? 0, gids: process.getgroups?.() ?? [] }
    const account = accounts.user(name)
    if (account !== undefined) return account
    missing.push(
      amiss('user-missing', `the system user ${name} does not exist`, 'systemd-sysusers mesh-agent.conf'),
    )
    return { name, uid: noUid, gids: [] }
  }
  const of = { agent: accountOf('agent'), server: accountOf('server'), proxy: accountOf('proxy') }
  return { accounts, of, isPackaged, missing }
}
