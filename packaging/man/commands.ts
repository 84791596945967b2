/**
 * The manual page of each command, made from its declaration, so that page, help and completion cannot differ: as git does
 * it, `mesh intention allow` is told in mesh-intention-allow(1), and mesh(1) names them all.
 */
import type { Argument, Command, Option } from 'commander'
import { pathOf } from '../../src/command/declare.ts'
import { createProgram } from '../../src/command/program.ts'
import {
  bold,
  heading,
  type Item,
  italic,
  items,
  nameSection,
  page,
  plain,
  reference,
  section,
} from './roff.ts'

export interface Issue {
  /** As `2026-11-21`. */
  readonly date: string
  readonly version: string
}

/** Sources by the name of the file, such as `mesh-proxy-upgrade.1`. Without mesh.1: overview.ts makes it. */
export function commandPages(issue: Issue): ReadonlyMap<string, string> {
  const program = createProgram({ status: 0 })
  return new Map(
    below(program).map((command) => [`${pageName(command)}.1`, commandPage(command, issue)] as const),
  )
}

/** Commands that an operator types, those of groups included. */
function below(command: Command): readonly Command[] {
  return visible(command).flatMap((sub) => [sub, ...below(sub)])
}

export const visible = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help')

export const pageName = (command: Command): string => pathOf(command).replaceAll(' ', '-')

function commandPage(command: Command, issue: Issue): string {
  const name = pageName(command)
  return page([
    heading({ name, section: 1, ...issue }),
    nameSection(name, command.summary() || command.description()),
    section('SYNOPSIS', [synopsis(command)]),
    section('DESCRIPTION', [sentence(plain(command.description()))]),
    items('COMMANDS', visible(command).map(commandItem)),
    items('ARGUMENTS', command.registeredArguments.filter(isDescribed).map(argumentItem)),
    items('OPTIONS', command.createHelp().visibleOptions(command).map(optionItem)),
    section('NOTES', notes(command)),
    section('SEE ALSO', [related(command).join(',\n')]),
  ])
}

/** `mesh intention allow [option ...] <source> <destination>`, in the fonts of a manual. */
function synopsis(command: Command): string {
  const group = visible(command).length > 0 ? ` [${italic('command')}]` : ''
  const words = command.registeredArguments.map((argument) => ` ${argumentTerm(argument)}`)
  return `${bold(pathOf(command))} [${italic('option')} ...]${group}${words.join('')}`
}

function argumentTerm(argument: Argument): string {
  const name = `${italic(argument.name())}${argument.variadic ? ' ...' : ''}`
  return argument.required ? name : `[${name}]`
}

const isDescribed = (argument: Argument): boolean => argument.description !== ''

const argumentItem = (argument: Argument): Item => ({
  term: argumentTerm(argument),
  text: sentence(plain(argument.description)),
})

export const commandItem = (command: Command): Item => ({
  term: reference(pageName(command), 1),
  text: sentence(plain(command.summary() || command.description())),
})

function optionItem(option: Option): Item {
  const [flags = '', value] = option.flags.split(/ (?=[<[])/)
  const term = bold(flags.replace(/(^|, )--/g, '$1-'))
  const preset = option.defaultValue === undefined ? '' : ` Default: ${plain(String(option.defaultValue))}.`
  return {
    term: value === undefined ? term : `${term} ${italic(value.slice(1, -1))}`,
    text: `${sentence(plain(option.description))}${preset}`,
  }
}

/** What help says behind the options: exit statuses, examples. */
function notes(command: Command): readonly string[] {
  const said: string[] = []
  command.configureOutput({ writeOut: (text) => said.push(text) }).outputHelp()
  return said
    .join('')
    .slice(command.helpInformation().length)
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/^\n+|\s+$/g, ''))
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => paragraph.split('\n').map(noteLine).join('\n.br\n'))
}

/** Help sets off what is to be typed by spaces, which roff would not take at the beginning of a line. */
function noteLine(text: string): string {
  const [, spaces = '', rest = ''] = /^( *)(.*)$/.exec(text) ?? []
  return `${'\\ '.repeat(spaces.length)}${plain(rest)}`
}

/** Its group and the others of that. */
function related(command: Command): readonly string[] {
  const { parent } = command
  if (parent === null) return []
  const siblings = parent.parent === null ? [] : visible(parent).filter((sub) => sub !== command)
  return [parent, ...siblings].map((other) => reference(pageName(other), 1))
}

/** Help begins with a small letter and ends without a full stop. */
export function sentence(text: string): string {
  const ended = /[.:;!?]$/.test(text) ? text : `${text}.`
  return ended.replace(/^[a-z](?![\w-]*=)/, (letter) => letter.toUpperCase())
}
