/**
 * Sets of characters in regular expressions: ranges, Perl's, POSIX's and Unicode's classes, with or without regard to
 * case. Knows nothing of repetition or groups (pattern-syntax.ts).
 */
import { FilterMistake, shown } from './mistake.ts'

export type CodeSet = (code: number) => boolean

export const rangeSet =
  (low: number, high: number): CodeSet =>
  (code) =>
    code >= low && code <= high

export const unionOf =
  (sets: readonly CodeSet[]): CodeSet =>
  (code) =>
    sets.some((set) => set(code))

export const complementOf =
  (set: CodeSet): CodeSet =>
  (code) =>
    !set(code)

const ofCharacters = (ranges: string): CodeSet => {
  const pairs = ranges.match(/[\s\S]{2}/g) ?? []
  return unionOf(pairs.map((pair) => rangeSet(pair.charCodeAt(0), pair.charCodeAt(1))))
}

/** `\d`, `\s`, `\w` are ASCII in RE2; a capital letter is the complement. */
const perl: Readonly<Record<string, CodeSet>> = {
  d: ofCharacters('09'),
  s: ofCharacters('\t\n\f\r  '),
  w: ofCharacters('09AZaz__'),
}

export function perlClass(letter: string): CodeSet | undefined {
  const set = perl[letter.toLowerCase()]
  if (set === undefined) return undefined
  return letter === letter.toLowerCase() ? set : complementOf(set)
}

const posix: Readonly<Record<string, CodeSet>> = {
  alnum: ofCharacters('09AZaz'),
  alpha: ofCharacters('AZaz'),
  ascii: ofCharacters('\x00\x7f'),
  blank: ofCharacters('\t\t  '),
  cntrl: ofCharacters('\x00\x1f\x7f\x7f'),
  digit: ofCharacters('09'),
  graph: ofCharacters('!~'),
  lower: ofCharacters('az'),
  print: ofCharacters(' ~'),
  punct: ofCharacters('!/:@[`{~'),
  space: ofCharacters('\t\r  '),
  upper: ofCharacters('AZ'),
  word: ofCharacters('09AZaz__'),
  xdigit: ofCharacters('09AFaf'),
}

/** `[:alpha:]`, and `[:^alpha:]` for what is not in it. */
export function posixClass(name: string, at: number): CodeSet {
  const negated = name.startsWith('^')
  const bare = negated ? name.slice(1) : name
  const set = Object.hasOwn(posix, bare) ? posix[bare] : undefined
  if (set === undefined)
    throw new FilterMistake(
      at,
      `there is no class ${shown(name)}; there are ${Object.keys(posix).join(', ')}`,
    )
  return negated ? complementOf(set) : set
}

/** `\pL`, `\p{Greek}`, `\p{^Lu}`: a general category or a script. */
export function unicodeClass(name: string, at: number): CodeSet {
  const negated = name.startsWith('^')
  const bare = negated ? name.slice(1) : name
  if (bare === 'Any') return () => !negated
  for (const property of ['General_Category', 'Script']) {
    const test = propertyTest(property, bare)
    // One character is asked at a time, so nothing can backtrack here.
    if (test !== undefined) return (code) => test.test(String.fromCodePoint(code)) !== negated
  }
  throw new FilterMistake(at, `there is no Unicode class ${shown(name)}`)
}

function propertyTest(property: string, name: string): RegExp | undefined {
  if (!/^[A-Za-z_]{1,32}$/.test(name)) return undefined
  try {
    return new RegExp(`^\\p{${property}=${name}}$`, 'u')
  } catch {
    return undefined
  }
}

/** The set with all cases of its characters: what any case of a character is in, the character is in. */
export const withoutCase =
  (set: CodeSet): CodeSet =>
  (code) =>
    set(code) || casesOf(code).some(set)

/** One upper and one lower case each; also the letters that share one, such as K and the Kelvin sign. */
export function casesOf(code: number): readonly number[] {
  const char = String.fromCodePoint(code)
  const upper = char.toUpperCase()
  return [char.toLowerCase(), upper, upper.toLowerCase()]
    .filter((other) => other !== char && [...other].length === 1)
    .map((other) => other.codePointAt(0) ?? code)
}

/** Answers for ASCII from a table, which is nearly all that is asked. */
export function quick(set: CodeSet): CodeSet {
  const ascii = Uint8Array.from({ length: 128 }, (_, code) => Number(set(code)))
  return (code) => (code < 128 ? ascii[code] === 1 : set(code))
}
