/** Shows what an examination found: groups with one line for each thing, the remedy below what is amiss, a verdict at the end. */
import type { Terminal } from '../terminal.ts'
import type { Group } from './examine.ts'
import type { Line, Mark } from './line.ts'

export interface ReportJson {
  readonly Verdict: 'well' | 'warnings' | 'wrong'
  readonly Wrong: number
  readonly Warnings: number
  readonly Unseen: number
  readonly Lines: readonly {
    readonly Group: string
    readonly Mark: Mark
    readonly Text: string
    readonly Code: string
    readonly Remedy: string
  }[]
}

export interface ReportOptions {
  /** Only what is amiss, and the verdict. */
  readonly isQuiet: boolean
  readonly hasColour: boolean
}

export function reportOf(groups: readonly Group[]): ReportJson {
  const lines = groups.flatMap(({ name, lines: found }) =>
    found.map(({ mark, text, code, remedy }) => ({
      Group: name,
      Mark: mark,
      Text: text,
      Code: code,
      Remedy: remedy,
    })),
  )
  const count = (mark: Mark): number => lines.filter(({ Mark }) => Mark === mark).length
  const wrong = count('wrong')
  const warnings = count('warning')
  return {
    Verdict: wrong > 0 ? 'wrong' : warnings > 0 ? 'warnings' : 'well',
    Wrong: wrong,
    Warnings: warnings,
    Unseen: count('unseen'),
    Lines: lines,
  }
}

export function showReport(terminal: Terminal, groups: readonly Group[], options: ReportOptions): void {
  for (const { name, lines } of groups) {
    const shown = options.isQuiet ? lines.filter(({ mark }) => mark === 'wrong' || mark === 'warning') : lines
    if (shown.length > 0) terminal.line(name)
    for (const line of shown) showLine(terminal, line, options)
  }
  terminal.line(verdict(reportOf(groups)))
}

const words: Readonly<Record<Mark, string>> = {
  ok: 'ok',
  unseen: 'not seen',
  warning: 'warning',
  wrong: 'WRONG',
}
const wordWidth = 8
/** SGR of ECMA-48: green, dim, yellow, red. */
const colours: Readonly<Record<Mark, number>> = { ok: 32, unseen: 2, warning: 33, wrong: 31 }

function showLine(
  terminal: Terminal,
  { mark, text, code, remedy }: Line,
  { hasColour }: ReportOptions,
): void {
  const word = words[mark].padEnd(wordWidth)
  const shown = hasColour ? `\u001b[${colours[mark]}m${word}\u001b[0m` : word
  terminal.line(`  ${shown}  ${clean(text)}${code === '' ? '' : ` (${code})`}`)
  if (remedy !== '')
    terminal.line(`  ${' '.repeat(wordWidth)}  ${mark === 'unseen' ? 'try' : 'do'}: ${clean(remedy)}`)
}

/** Names and reasons come from files and from other hosts: control characters must not reach a terminal. */
const clean = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')

function verdict({ Wrong: wrong, Warnings: warnings, Unseen: hidden, Lines: lines }: ReportJson): string {
  const rest = hidden === 0 ? '' : `; ${hidden} could not be looked at`
  if (wrong + warnings === 0) return `This host is well: ${looked(lines.length - hidden)} looked at${rest}.`
  const parts = [
    ...(wrong === 0 ? [] : [`${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong`]),
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]),
  ]
  return `${parts.join(', ')}${rest}. \`mesh explain CODE\` tells more.`
}

const looked = (count: number): string => `${count} ${count === 1 ? 'thing' : 'things'}`
