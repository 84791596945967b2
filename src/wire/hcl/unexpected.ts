/**
 * What to say about text that has no place in a configuration file: the habits of other languages, each with what to
 * write instead. Only words; the lexer and the grammars find the spot.
 */
import { parseDurationMs } from '../../model/duration.ts'
import type { Words } from './tree.ts'

export type Dialect = 'hcl' | 'json'

const plainValuesOnly = 'a configuration file holds plain values; nothing is computed'

/** Text of the user inside a message: bounded, and without line breaks or control characters. */
export function shown(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '\uFFFD')
  return clean.length > 48 ? `${clean.slice(0, 48)}…` : clean
}

/** A character that begins no token; `rest` is the text from it on. */
export function unexpectedCharacter(rest: string, dialect: Dialect): Words {
  const character = String.fromCodePoint(rest.codePointAt(0) ?? 0)
  if (character === "'" || character === '`')
    return {
      what: `\`${character}\` does not begin a string`,
      why: 'strings stand in double quotes',
      remedy: `write "${/^(.)([^"]{0,48}?)\1/u.exec(rest)?.[2] ?? 'text'}"`,
    }
  if (/[“”„‟«»‘’]/.test(character))
    return {
      what: `\`${character}\` is a typographic quote`,
      why: 'strings stand in straight double quotes',
      remedy: 'replace it by "',
    }
  if (character === ';')
    return {
      what: '`;` ends nothing here',
      why: dialect === 'hcl' ? 'lines end by themselves' : 'members are separated by commas',
      remedy: dialect === 'hcl' ? 'remove it' : 'write a comma between members and nothing after the last',
    }
  if (dialect === 'json' && (character === '#' || character === '/'))
    return {
      what: 'a comment stands in a JSON file',
      why: 'JSON has no comments',
      remedy: 'remove it, or write the file in HCL with the name ending in .hcl',
    }
  if (/[()+*/?!<>&|^%@$~-]/.test(character))
    return {
      what: `\`${character}\` is not part of a value`,
      why: plainValuesOnly,
      remedy: 'write the resulting value, in double quotes if it is text',
    }
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const isVisible = /[\p{L}\p{N}\p{P}\p{S}]/u.test(character)
  return {
    what: isVisible ? `\`${character}\` begins nothing here` : `a character U+${code} stands here`,
    why: isVisible ? 'outside strings there are only keys, values and braces' : 'it is not text',
    remedy: isVisible
      ? 'remove it, or put the text in double quotes'
      : 'remove it, or save the file as plain UTF-8',
  }
}

/** A bare word where a value should be. `next` is the character after it, `key` what it was meant for. */
export function unquotedWord(word: string, next: string, dialect: Dialect): Words {
  const lower = word.toLowerCase()
  if (next === '(')
    return {
      what: `\`${shown(word)}(\` calls a function`,
      why: plainValuesOnly,
      remedy: 'write the resulting value',
    }
  if (/^(true|yes|on)$/.test(lower) || /^(false|no|off)$/.test(lower)) {
    const meant = /^(true|yes|on)$/.test(lower) ? 'true' : 'false'
    return {
      what: `\`${word}\` is not a value`,
      why: 'a switch is written `true` or `false`, in lower case',
      remedy: `write ${meant}`,
    }
  }
  if (dialect === 'hcl' && /^(var|local|data|each|path|self|module)\./.test(word))
    return {
      what: `\`${shown(word)}\` refers to a variable`,
      why: 'a configuration file holds plain values; there are no variables',
      remedy: 'write the value itself, in double quotes if it is text',
    }
  return {
    what: `\`${shown(word)}\` stands without quotes`,
    why: 'text is written in double quotes',
    remedy: `write "${shown(word)}"`,
  }
}

/** A word that begins like a number and is none. `word` may be longer than what the lexer took. */
export function badNumber(word: string, dialect: Dialect): Words {
  const quoted = `write "${shown(word)}"`
  if (parseDurationMs(word) !== undefined && !/^-?\d+$/.test(word))
    return { what: `\`${shown(word)}\` stands without quotes`, why: 'a duration is text', remedy: quoted }
  if (/^\d+(\.\d+){2,3}/.test(word))
    return { what: `\`${shown(word)}\` stands without quotes`, why: 'an address is text', remedy: quoted }
  if (/^-?0\d+$/.test(word))
    return {
      what: `\`${shown(word)}\` begins with 0`,
      why: 'some programs would read it as an octal number',
      remedy: `write "${shown(word)}" where a file mode is meant, or ${Number(word)} where a number is`,
    }
  if (dialect === 'json' && /^-?(0x[0-9a-f]+|\.\d+|\d+\.)$/i.test(word))
    return {
      what: `\`${shown(word)}\` is not a JSON number`,
      why: 'JSON has decimal numbers only, with digits on both sides of the point',
      remedy: `write ${Number(word)}`,
    }
  return {
    what: `\`${shown(word)}\` is not a number`,
    why: 'a value that begins with a digit must be a number, such as 8080 or 1.5',
    remedy: `correct it, or ${quoted} where text is meant`,
  }
}

export const inexactNumber = (word: string): Words => ({
  what: `\`${shown(word)}\` is too large`,
  why: 'whole numbers are exact only up to 9007199254740991 (2^53 - 1)',
  remedy: `write a smaller number, or "${shown(word)}" where text is meant`,
})

export const interpolation = (opening: string): Words => ({
  what: `\`${opening}\` begins an expression inside text`,
  why: 'a configuration file holds plain values; there are no variables, functions or templates',
  remedy: `write the resulting text, or \`${opening[0] ?? ''}${opening}\` where \`${opening}\` itself is meant`,
})
