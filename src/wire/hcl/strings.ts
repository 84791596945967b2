/**
 * Quoted strings and heredocs: from the opening mark to the text they mean.
 * `{{ }}` inside is left alone (it is a template of whoever reads the value); HCL 2's `${ }` is refused.
 */
import type { Cursor } from './cursor.ts'
import type { Place } from './tree.ts'
import { type Dialect, interpolation } from './unexpected.ts'

const quote = 0x22
const backslash = 0x5c
const lineFeed = 0x0a
const carriageReturn = 0x0d
const dollar = 0x24
const percent = 0x25
const brace = 0x7b
const tab = 0x09

const simpleEscapes: Readonly<Record<Dialect, ReadonlyMap<string, string>>> = {
  hcl: new Map([
    ['"', '"'],
    ['\\', '\\'],
    ['n', '\n'],
    ['t', '\t'],
    ['r', '\r'],
    ['a', '\x07'],
    ['b', '\b'],
    ['f', '\f'],
    ['v', '\v'],
  ]),
  json: new Map([
    ['"', '"'],
    ['\\', '\\'],
    ['/', '/'],
    ['n', '\n'],
    ['t', '\t'],
    ['r', '\r'],
    ['b', '\b'],
    ['f', '\f'],
  ]),
}

/** Reads from the opening quote past the closing one. `at` is the place of the opening quote. */
export function readString(cursor: Cursor, at: Place, dialect: Dialect): string {
  const { text } = cursor
  let held = ''
  let from = cursor.offset + 1
  let here = from
  for (;;) {
    const code = text.charCodeAt(here)
    if (code === quote) break
    if (code === backslash) {
      held += text.slice(from, here)
      cursor.offset = here
      held += readEscape(cursor, dialect)
      from = here = cursor.offset
      if (cursor.problem !== undefined) return ''
    } else if ((code === dollar || code === percent) && dialect === 'hcl') {
      const length = templateMark(text, here)
      if (length === 2) {
        cursor.fail(cursor.place(here), interpolation(text.slice(here, here + 2)))
        return ''
      }
      if (length === 3) {
        held += text.slice(from, here)
        from = here + 1
      }
      here += Math.max(length, 1)
    } else if (Number.isNaN(code) || code === lineFeed || code === carriageReturn) {
      failUnclosed(cursor, at, dialect)
      return ''
    } else if (code < 0x20 && !(code === tab && dialect === 'hcl')) {
      failControlCharacter(cursor, here)
      return ''
    } else here++
  }
  cursor.offset = here + 1
  return held + text.slice(from, here)
}

/** 2 for `${` and `%{`, 3 for the escaped `$${` and `%%{`, else 0. */
function templateMark(text: string, here: number): 0 | 2 | 3 {
  const next = text.charCodeAt(here + 1)
  if (next === brace) return 2
  return next === text.charCodeAt(here) && text.charCodeAt(here + 2) === brace ? 3 : 0
}

function failUnclosed(cursor: Cursor, at: Place, dialect: Dialect): void {
  cursor.fail(at, {
    what: 'the string that begins here is not closed',
    why: 'a string ends on the line on which it begins',
    remedy:
      dialect === 'hcl'
        ? 'add the closing ", or use <<EOF … EOF for several lines'
        : 'add the closing ", and write \\n where a line break is meant',
  })
}

function failControlCharacter(cursor: Cursor, here: number): void {
  const code = cursor.text.charCodeAt(here).toString(16).toUpperCase().padStart(4, '0')
  cursor.fail(cursor.place(here), {
    what: `a control character U+${code} stands in a string`,
    why: 'it cannot be seen and would become part of the value',
    remedy: `remove it, or write \\u${code} where it is meant`,
  })
}

const escapeSequence = /\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7]{2})/y

/** Reads one escape from its backslash on. Surrogate pairs may be written as two `\u`. */
function readEscape(cursor: Cursor, dialect: Dialect): string {
  const simple = simpleEscapes[dialect].get(cursor.text.charAt(cursor.offset + 1))
  if (simple !== undefined) {
    cursor.offset += 2
    return simple
  }
  const match = cursor.match(escapeSequence)
  const isOctal = /^\\[0-3]/.test(match)
  const code = Number.parseInt(match.slice(isOctal ? 1 : 2), isOctal ? 8 : 16)
  if (match === '' || code > 0x10ffff || (dialect === 'json' && !match.startsWith('\\u'))) {
    const next = String.fromCodePoint(cursor.text.codePointAt(cursor.offset + 1) ?? 0x20)
    const written = /[\p{Cc}\s]/u.test(next) ? '' : next
    cursor.fail(cursor.place(), {
      what: written === '' ? 'a single backslash stands in a string' : `\`\\${written}\` is not an escape`,
      why: 'a backslash in a string begins one of \\" \\\\ \\n \\t \\r \\uXXXX',
      remedy: `write \\\\${written} where a backslash itself is meant`,
    })
    return ''
  }
  cursor.offset += match.length
  return String.fromCodePoint(code)
}

const heredocOpening = /<<-?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*\r?\n/y

/**
 * Reads a heredoc from `<<` to the end of its closing marker. The text keeps the line break before the marker. With
 * `<<-` the smallest indentation of its lines is taken away (HCL 2's rule; HCL 1 differs only for uneven indentation).
 */
export function readHeredoc(cursor: Cursor, at: Place): string {
  const opening = cursor.match(heredocOpening)
  if (opening === '') {
    cursor.fail(at, {
      what: '`<<` is not followed by a marker alone on its line',
      why: 'a text of several lines begins with <<EOF and ends with a line that holds EOF only',
      remedy: 'write <<EOF, then the text on the next lines, then EOF',
    })
    return ''
  }
  const { text } = cursor
  const marker = opening.replace(/^<<-?/, '').trim()
  const start = cursor.offset + opening.length
  const lines: string[] = []
  for (let from = start; from < text.length; ) {
    const found = text.indexOf('\n', from)
    const end = found === -1 ? text.length : found
    const line = text.slice(from, end)
    if (line.trim() === marker) {
      if (!isPlain(cursor, start, from)) return ''
      cursor.offset = from + line.trimEnd().length
      return unescapeTemplate(opening.startsWith('<<-') ? dedent(lines) : lines)
    }
    lines.push(line.replace(/\r$/, ''))
    from = end + 1
  }
  cursor.fail(at, {
    what: `the text that begins with <<${marker} is not closed`,
    why: `no later line holds ${marker} alone`,
    remedy: `add a line that holds ${marker} only`,
  })
  return ''
}

/** Refuses the first `${` or `%{` of a heredoc's body. */
function isPlain(cursor: Cursor, start: number, end: number): boolean {
  const { text } = cursor
  for (let here = start; here < end; here++) {
    const code = text.charCodeAt(here)
    if (code !== dollar && code !== percent) continue
    const length = templateMark(text, here)
    if (length === 2) {
      cursor.fail(cursor.place(here), interpolation(text.slice(here, here + 2)))
      return false
    }
    if (length === 3) here += 2
  }
  return true
}

function unescapeTemplate(lines: readonly string[]): string {
  return lines.map((line) => `${line.replace(/([$%])\1\{/g, '$1{')}\n`).join('')
}

function dedent(lines: readonly string[]): readonly string[] {
  let least = Number.POSITIVE_INFINITY
  for (const line of lines)
    if (line.trim() !== '') least = Math.min(least, line.length - line.trimStart().length)
  return lines.map((line) => line.slice(Math.min(least, line.length)))
}
