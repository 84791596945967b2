/**
 * How a command is declared: its flags with one dash in help and errors, mistakes answered with the line to type next,
 * connection flags where an agent is asked. What the commands are stands in program.ts.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Client, createClient } from './client.ts'
import type { ConnectionFlags } from './connection.ts'
import { createTerminal, type OutputForm, type Terminal } from './terminal.ts'

/** What every command is given besides its own arguments. */
export interface Context {
  readonly terminal: Terminal
  /** Reads flags, environment and token files only when a command asks the agent. */
  client(): Client
}

/** Where a command leaves an exit status other than 0 that is an answer and no failure. */
export interface Outcome {
  status: number
}

export interface SharedOptions extends ConnectionFlags {
  readonly output?: OutputForm
  /** Consul's name for `output`. */
  readonly format?: OutputForm
}

export function contextOf(options: SharedOptions): Context {
  let client: Client | undefined
  return {
    terminal: createTerminal(options.output ?? options.format ?? 'table'),
    client: () => (client ??= createClient(options)),
  }
}

/** One dash for long flags, as this field's tools show them. */
const oneDash = (text: string): string => text.replace(/(^|[\s'(])--(?=[a-z])/g, '$1-')

/** Full path such as `mesh intention allow`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** A command below `parent`; `usage` is its name followed by its arguments. */
export function declare(parent: Command, usage: string, summary: string): Command {
  return styled(parent.command(usage)).summary(summary).description(summary)
}

/** The command that `parent` stands for when no other is named. */
export function declareDefault(parent: Command, usage: string, summary: string): Command {
  return styled(parent.command(usage, { isDefault: true }))
    .summary(summary)
    .description(summary)
}

/** Applies the style of help and errors; commands inherit nothing of it that depends on their own name. */
export function styled(command: Command): Command {
  return command
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({
      optionTerm: (option) => oneDash(option.flags),
      showGlobalOptions: false,
      subcommandTerm: (sub) => sub.name() + argumentsOf(sub),
      commandUsage: (shown) => `${pathOf(shown)}${oneDash(shown.usage() === '' ? '' : ` ${shown.usage()}`)}`,
    })
    .configureOutput({ outputError: (text, write) => write(mistake(text, command)) })
}

function argumentsOf(command: Command): string {
  return command.registeredArguments
    .map((argument) => {
      const name = `${argument.name()}${argument.variadic ? '...' : ''}`
      return argument.required ? ` <${name}>` : ` [${name}]`
    })
    .join('')
}

/** "mesh: unknown command 'servces'" and the whole line that was probably meant. */
function mistake(text: string, command: Command): string {
  const [first = '', ...rest] = oneDash(text).trim().split('\n')
  const suggestion = /\(Did you mean (?:one of )?([^,?]+)/.exec(rest.join(' '))?.[1]
  const wrong = /^error: unknown (?:command|option) '([^']+)'/.exec(first)?.[1]
  const next =
    suggestion === undefined || wrong === undefined
      ? `${pathOf(command)} -help`
      : corrected(process.argv.slice(2), wrong, suggestion)
  return `mesh: ${first.replace(/^error: /, '')}\nTry: ${next}\n`
}

function corrected(args: readonly string[], wrong: string, right: string): string {
  const plain = (word: string): string => word.replace(/^-+/, '').replace(/=.*/, '')
  const at = args.findIndex((word) => plain(word) === plain(wrong))
  return ['mesh', ...args.map((word, i) => (i === at ? word.replace(/^-*[^=]+/, right) : word))]
    .map(quoted)
    .join(' ')
}

/** As a shell reads it back. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** Flags of commands that ask an agent; declared last, so that help shows a command's own flags first. */
export function withConnection(command: Command): Command {
  return withOutput(command)
    .option('--http-addr <address>', "the agent's HTTP address, or unix:///PATH")
    .option('--token-file <file>', 'file that holds the token')
}

export function withOutput(command: Command): Command {
  return command
    .option('-o, --output <form>', 'table (default) or json', outputForm)
    .addOption(new Option('--format <form>').argParser(outputForm).hideHelp())
}

function outputForm(text: string): OutputForm {
  if (text === 'json') return text
  if (text === 'table' || text === 'pretty') return 'table'
  throw new InvalidArgumentError('Use table or json.')
}

export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]
