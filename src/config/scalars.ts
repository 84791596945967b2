/**
 * Readers of single values: text by a rule, whole numbers, switches, durations, one word of several.
 * Each says what it found, what it must be, and how to write it, with the user's own value where that can be saved.
 */
import { formatDuration, parseDurationMs } from '../model/duration.ts'
import type { Words } from '../wire/hcl/tree.ts'
import { labelOf, quoted, type Reader, type Reading, reportKind, type Slot, writeInstead } from './reading.ts'
import { nearest } from './suggest.ts'

export interface TextRule {
  /** Completes "it must be …". */
  readonly form: string
  /** A right value, unquoted. */
  readonly example: string
  readonly maxChars: number
  readonly accepts?: (text: string) => boolean
  /** Better words for a common mistake; undefined where there are none. */
  readonly explain?: (text: string) => Partial<Words> | undefined
}

export function text(rule: TextRule): Reader<string> {
  return (slot, reading) => {
    const { value } = slot
    if (value.kind !== 'string')
      return reportKind(slot, reading, rule.form, textInstead(slot) ?? quoted(rule.example))
    const found = value.text
    const fits = found !== '' && found.length <= rule.maxChars && (rule.accepts?.(found) ?? true)
    if (fits) return found
    const tooLong = found.length > rule.maxChars
    reading.report(value.at, {
      what: found === '' ? `${labelOf(slot)} is empty` : `${labelOf(slot)} is ${quoted(found)}`,
      why: tooLong
        ? `it has ${found.length} characters, at most ${rule.maxChars} are allowed`
        : `it must be ${rule.form}`,
      remedy: writeInstead(slot, reading, quoted(rule.example)),
      ...(tooLong || found === '' ? {} : rule.explain?.(found)),
    })
    return undefined
  }
}

/** Text without a rule, empty too: descriptions, bodies. */
export function freeText(maxChars: number): Reader<string> {
  const bounded = text({ form: 'text', example: 'text', maxChars })
  return (slot, reading) =>
    slot.value.kind === 'string' && slot.value.text === '' ? '' : bounded(slot, reading)
}

/** A value of another kind as the text it may have been meant as. */
function textInstead(slot: Slot): string | undefined {
  if (slot.value.kind === 'number') return quoted(String(slot.value.number))
  if (slot.value.kind === 'boolean') return quoted(String(slot.value.boolean))
  const [item] = slot.value.kind === 'list' && slot.value.items.length === 1 ? slot.value.items : []
  return item?.kind === 'string' ? quoted(item.text) : undefined
}

export interface NumberRule {
  readonly form: string
  readonly example: number
  readonly min: number
  readonly max: number
}

export function wholeNumber(rule: NumberRule): Reader<number> {
  const isIn = (number: number): boolean =>
    Number.isInteger(number) && number >= rule.min && number <= rule.max
  return (slot, reading) => {
    const { value } = slot
    if (value.kind === 'number' && isIn(value.number)) return value.number
    if (value.kind !== 'number') {
      const meant = value.kind === 'string' && /^\d+$/.test(value.text) ? Number(value.text) : Number.NaN
      return reportKind(slot, reading, rule.form, String(isIn(meant) ? meant : rule.example))
    }
    reading.report(value.at, {
      what: `${labelOf(slot)} is ${value.number}`,
      why: `it must be ${rule.form}`,
      remedy: writeInstead(slot, reading, String(rule.example)),
    })
    return undefined
  }
}

export const toggle: Reader<boolean> = (slot, reading) => {
  const { value } = slot
  if (value.kind === 'boolean') return value.boolean
  const meant = value.kind === 'string' && /^(false|no|off|0)$/i.test(value.text) ? 'false' : 'true'
  return reportKind(slot, reading, 'true or false, without quotes', meant)
}

export interface DurationRule {
  readonly example: string
  readonly minMs: number
  readonly maxMs: number
  /** Why nothing shorter is taken. */
  readonly whyMin: string
}

const nanosecondsPerMs = 1_000_000

/**
 * Milliseconds, whole. Programs may send integer nanoseconds, and get the minimum where they ask for less, as from Consul;
 * a file is told.
 */
export function duration(rule: DurationRule): Reader<number> {
  return (slot, reading) => {
    const ms = durationMs(slot, reading, rule)
    if (ms === undefined || (ms >= rule.minMs && ms <= rule.maxMs)) return ms
    if (ms >= 0 && ms < rule.minMs && reading.fromProgram) return rule.minMs
    const limit = formatDuration(ms < rule.minMs ? rule.minMs : rule.maxMs)
    reading.report(slot.value.at, {
      what: `${labelOf(slot)} is ${formatDuration(ms)}`,
      why: ms < rule.minMs ? rule.whyMin : `the longest allowed is ${limit}`,
      remedy: `${writeInstead(slot, reading, quoted(limit))} or ${ms < rule.minMs ? 'longer' : 'shorter'}`,
    })
    return undefined
  }
}

function durationMs(slot: Slot, reading: Reading, rule: DurationRule): number | undefined {
  const { value } = slot
  const form = 'a duration such as "500ms", "10s" or "1m30s"'
  if (value.kind === 'number' && reading.fromProgram) return Math.round(value.number / nanosecondsPerMs)
  if (value.kind !== 'string')
    return reportKind(
      slot,
      reading,
      form,
      quoted(value.kind === 'number' ? `${value.number}s` : rule.example),
    )
  const ms = parseDurationMs(value.text)
  if (ms !== undefined) return Math.round(ms)
  const bare = /^\d+(\.\d+)?$/.test(value.text)
  reading.report(value.at, {
    what: `${labelOf(slot)} is ${quoted(value.text)}`,
    why: bare ? 'a duration needs a unit: ms, s, m or h' : `it must be ${form}`,
    remedy: writeInstead(slot, reading, quoted(bare ? `${value.text}s` : rule.example)),
  })
  return undefined
}

/** One of several words, compared without case where Consul does. `words` maps what may be written to what it means. */
export function oneOf<Meaning extends string>(
  words: Readonly<Record<string, Meaning>>,
  example: string = Object.keys(words)[0] ?? '',
): Reader<Meaning> {
  const meanings = new Map<string, Meaning>(Object.entries(words))
  const list = Array.from(meanings.keys(), (word) => `"${word}"`)
  const form = list.length === 1 ? (list[0] ?? '') : `${list.slice(0, -1).join(', ')} or ${list.at(-1) ?? ''}`
  return (slot, reading) => {
    const { value } = slot
    if (value.kind !== 'string') return reportKind(slot, reading, form, quoted(example))
    const meaning = meanings.get(value.text.toLowerCase())
    if (meaning !== undefined) return meaning
    const near = nearest(value.text.toLowerCase(), meanings.keys())
    reading.report(value.at, {
      what: `${labelOf(slot)} is ${quoted(value.text)}`,
      why: `it must be ${form}`,
      remedy: writeInstead(slot, reading, quoted(near ?? example)),
    })
    return undefined
  }
}
