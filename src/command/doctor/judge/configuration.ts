/** Is there a configuration, can the programs read it, and is it valid? */
import type { ConfigError } from '../../../config/settings.ts'
import { amiss, type Line, unseen, well } from '../line.ts'
import { type Account, barrier, type PathFacts } from './account.ts'

export interface ConfigurationFacts {
  /** The folder, as it was named. */
  readonly path: string
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** What this user could not read; `isDenied`: for lack of rights. */
  readonly unreadable: readonly {
    readonly path: string
    readonly reason: string
    readonly isDenied: boolean
  }[]
  /** The ways to the files, for accounts that run programs. */
  readonly ways: readonly (readonly PathFacts[])[]
  readonly errors: readonly ConfigError[]
  readonly services: number
  /** The host has an identity, which names its servers: it needs no configuration. */
  readonly isEnrolled: boolean
}

const shownErrors = 10

/** `accounts`: who must be able to read it. */
export function judgeConfiguration(facts: ConfigurationFacts, accounts: readonly Account[]): readonly Line[] {
  const { path, files, unreadable } = facts
  if (unreadable.length > 0) return unreadable.map((one) => judgeUnreadable(one, path))
  const isSilent = !files.some(({ text }) => saysSomething(text))
  if (isSilent && facts.isEnrolled) return [well(`${path} says nothing, and this host was enrolled without`)]
  if (isSilent)
    return [
      amiss(
        'config-missing',
        files.length === 0 ? `${path} holds no *.hcl or *.json file` : `${path} holds nothing but comments`,
        `mesh init -server -config-dir ${path} on the first host, mesh init -agent -config-dir ${path} on others`,
      ),
    ]
  const closed = accounts.flatMap((account) => closedTo(account, facts))
  const wrong = facts.errors.slice(0, shownErrors).map(judgeError)
  return closed.length + wrong.length > 0 ? [...closed, ...wrong] : [well(summary(facts))]
}

function judgeUnreadable(
  { path, reason, isDenied }: ConfigurationFacts['unreadable'][number],
  folder: string,
): Line {
  if (isDenied) return unseen(`${path} cannot be read by this user`)
  if (path === folder)
    return amiss('config-missing', `${path}: ${reason}`, 'mesh init -server, or mesh init -agent')
  return amiss('config-unreadable', `${path} cannot be read: ${reason}`, `file ${path}`)
}

/** Lines that are no comment; braces of an empty JSON file say nothing. */
const saysSomething = (text: string): boolean => /^[ \t]*[^\s#/{}]/m.test(text)

function closedTo(account: Account, { ways }: ConfigurationFacts): readonly Line[] {
  const stops = ways.map((way) => ({ way, stop: barrier(account, way) })).filter(({ stop }) => stop)
  return stops.slice(0, 1).map(({ way, stop }) => {
    const file = way.at(-1)?.path ?? ''
    const place = stop?.path ?? file
    return amiss(
      'config-unreadable',
      `user ${account.name} cannot read ${file}${place === file ? '' : `, because ${place} is closed`}`,
      `chmod ${stop?.isFolder === true ? '0755' : '0644'} ${place}`,
    )
  })
}

const judgeError = ({ path, line, column, what, why, remedy }: ConfigError): Line =>
  amiss('config-wrong', `${path}:${line}:${column}: ${what}: ${why}`, remedy)

const summary = ({ path, files, services }: ConfigurationFacts): string =>
  `${path} is valid: ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${services} ${services === 1 ? 'service' : 'services'}`
