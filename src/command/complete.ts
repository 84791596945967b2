/**
 * The words that may follow on a command line, for the shell's completion: commands and flags from their declarations, names
 * from the agent. Says nothing rather than something wrong, and never waits long: somebody has just pressed a key.
 */
import type { Command, Option } from 'commander'
import { configEntryKinds } from '../model/config-entry.ts'
import { errorCatalogue } from '../model/errors.ts'
import { refusalCatalogue } from '../model/refusal.ts'
import { normaliseArguments } from './arguments.ts'
import { createClient } from './client.ts'
import type { ConnectionFlags } from './connection.ts'
import { logLevels } from './monitor.ts'
import { watchTypes } from './watch.ts'

const answerWithinMs = 1_000
/** More would be a list that nobody reads. */
const shownAtMost = 500

/** `words` are what stands behind `mesh`, the last one being typed (it may be ''). */
export async function complete(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const current = words.at(-1) ?? ''
  const place = placeOf(program, words.slice(0, -1))
  const candidates = await candidatesAt(place, current)
  return candidates.filter((word) => word.startsWith(current)).slice(0, shownAtMost)
}

interface Place {
  readonly command: Command
  /** Plain arguments that the command has already. */
  readonly given: number
  /** The flag that waits for its value. */
  readonly flag: Option | undefined
  /** How the agent is reached, as far as the line says it. */
  readonly connection: ConnectionFlags
}

function placeOf(program: Command, words: readonly string[]): Place {
  let command = program
  let given = 0
  let flag: Option | undefined
  const values: Record<string, string> = {}
  for (const word of normaliseArguments(words)) {
    if (flag !== undefined) {
      values[flag.attributeName()] = word
      flag = undefined
    } else if (word.startsWith('-') && word !== '-') {
      const [name = '', value] = word.split('=', 2)
      const option = optionsOf(command).find((known) => [known.short, known.long].includes(name))
      if (option?.required === true && value === undefined) flag = option
      else if (option !== undefined && value !== undefined) values[option.attributeName()] = value
    } else {
      const below = given === 0 ? command.commands.find((sub) => sub.name() === word) : undefined
      if (below === undefined) given += 1
      else command = below
    }
  }
  const { httpAddr, tokenFile } = values
  const connection = {
    ...(httpAddr === undefined ? {} : { httpAddr }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  }
  return { command, given, flag, connection }
}

/** The command that is meant where a group is named alone: `mesh services` stands for `mesh services list`. */
const standIn = (command: Command): Command =>
  command.commands.find((sub) => isDefault(command, sub)) ?? command

const optionsOf = (command: Command): readonly Option[] => [
  ...new Set([...command.options, ...standIn(command).options]),
]

async function candidatesAt(
  { command, given, flag, connection }: Place,
  current: string,
): Promise<readonly string[]> {
  const values = (name: string): Promise<readonly string[]> => valuesOf(name, current, connection)
  if (flag !== undefined) return values(flag.attributeName())
  if (current.startsWith('-') && current !== '-') return flagsOf(command, current)
  const below = given === 0 ? command.commands.filter((sub) => !isHidden(sub)).map((sub) => sub.name()) : []
  const { registeredArguments } = standIn(command)
  const argument = registeredArguments[given] ?? registeredArguments.findLast((last) => last.variadic)
  if (argument === undefined) return below
  const isSession = command.parent?.name() === 'session' && argument.name() === 'id'
  return [...below, ...(await values(isSession ? 'session' : argument.name()))]
}

const isHidden = (command: Command): boolean => Reflect.get(command, '_hidden') === true

const isDefault = (parent: Command, sub: Command): boolean =>
  Reflect.get(parent, '_defaultCommandName') === sub.name()

function flagsOf(command: Command, current: string): readonly string[] {
  const dashes = current.startsWith('--') ? '--' : '-'
  return [...optionsOf(command).filter((option) => !option.hidden), { long: '--help' }]
    .map((option) => option.long ?? '')
    .filter((long) => long !== '')
    .map((long) => long.replace(/^--/, dashes))
}

const words: Readonly<Record<string, readonly string[]>> = {
  output: ['table', 'json'],
  format: ['json', 'pretty'],
  shell: ['bash', 'zsh'],
  kind: configEntryKinds,
  logLevel: logLevels,
  type: watchTypes,
  state: ['any', 'passing', 'warning', 'critical'],
  status: ['alive', 'leaving', 'left', 'failed'],
}

/** What a flag or an argument of this name may be; [] leaves it to the shell, which knows files. */
function valuesOf(name: string, current: string, connection: ConnectionFlags): Promise<readonly string[]> {
  const ask = (path: string, names: (json: unknown) => readonly string[]): Promise<readonly string[]> =>
    fromAgent(connection, path, names)
  const fixed = Object.hasOwn(words, name) ? words[name] : undefined
  if (fixed !== undefined) return Promise.resolve(fixed)
  switch (name) {
    case 'source':
    case 'destination':
    case 'service':
    case 'name':
      return ask('/v1/catalog/services?stale', (json) => Object.keys(json as object).sort())
    case 'node':
    case 'other':
      return ask('/v1/catalog/nodes?stale', (json) => (json as { Node: string }[]).map(({ Node }) => Node))
    case 'session':
      return ask('/v1/session/list?stale', (json) => (json as { ID: string }[]).map(({ ID }) => ID))
    case 'id':
      return ask('/v1/agent/services', (json) => Object.keys(json as object).sort())
    case 'key':
    case 'prefix':
      return ask(`/v1/kv/${encodeURIComponent(current)}?keys&separator=/&stale`, (json) => json as string[])
    case 'code':
      return Promise.resolve([...Object.keys(errorCatalogue), ...Object.keys(refusalCatalogue)].sort())
    default:
      return Promise.resolve([])
  }
}

async function fromAgent(
  connection: ConnectionFlags,
  path: string,
  names: (json: unknown) => readonly string[],
): Promise<readonly string[]> {
  try {
    const client = createClient(connection)
    const reply = await Promise.race([client.find(path), afterwards(answerWithinMs)])
    return reply === undefined ? [] : names(reply.json())
  } catch {
    // No agent, no rights, no such answer: the shell shows nothing.
    return []
  }
}

function afterwards(delayMs: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), delayMs).unref()
  })
}
