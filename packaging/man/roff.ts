/**
 * Text as man(7) source: what is special to roff is escaped, so that any help text can stand on a page.
 * Knows the form only; what a page says is commands.ts's and configuration.ts's business.
 */

export interface Heading {
  /** Such as `mesh-intention-allow`. */
  readonly name: string
  readonly section: number
  /** As `2026-11-21`. */
  readonly date: string
  /** Of the product, such as `0.1.0`. */
  readonly version: string
}

/** One paragraph under a heading of its own, as of an option. */
export interface Item {
  /** Made with `bold`, `italic` and `plain`. */
  readonly term: string
  readonly text: string
}

/** Backslashes and hyphens of commands would not be copied from the page as they are typed. */
export const plain = (text: string): string =>
  text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/[’‘]/g, "'").replaceAll('…', '...')

export const bold = (text: string): string => `\\fB${plain(text)}\\fR`
export const italic = (text: string): string => `\\fI${plain(text)}\\fR`

/** Another page, such as **mesh-agent**(8). */
export const reference = (name: string, section: number): string => `${bold(name)}(${section})`

export function heading({ name, section, date, version }: Heading): string {
  return `.TH ${plain(name.toUpperCase())} ${section} "${date}" "mesh\\-agent ${version}" "mesh\\-agent"`
}

/** The line that whatis(1) and apropos(1) read. */
export const nameSection = (name: string, summary: string): string =>
  `.SH NAME\n${plain(name)} \\- ${line(plain(summary))}`

/** A section of paragraphs; '' where there is nothing to say. */
export function section(title: string, paragraphs: readonly string[]): string {
  return paragraphs.length === 0 ? '' : `.SH ${title}\n${paragraphs.map(line).join('\n.PP\n')}`
}

export function items(title: string, all: readonly Item[]): string {
  return all.length === 0 ? '' : `.SH ${title}\n${all.map(item).join('\n')}`
}

export const subsection = (title: string, all: readonly Item[]): string =>
  `.SS ${plain(title)}\n${all.map(item).join('\n')}`

const item = ({ term, text }: Item): string => `.TP\n${line(term)}\n${line(text)}`

/** Text as it is, such as commands to type. */
export const literal = (text: string): string =>
  `.PP\n.nf\n.RS 4\n${text.split('\n').map(plain).map(line).join('\n')}\n.RE\n.fi`

/** Roff takes a line that begins with a dot or a quote for a request of its own. */
function line(text: string): string {
  return text.replace(/^(?=[.'])/, '\\&')
}

/** Joins what is there, and ends as a file should. */
export const page = (parts: readonly string[]): string =>
  `${parts.filter((part) => part !== '').join('\n')}\n`
