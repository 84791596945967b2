/**
 * The small shapes that larger ones are made of. A shape says what a decoded value must look like before any handler
 * sees it; whether its content makes sense (names, limits, rights) is for admission and apply to say.
 */
import * as z from 'zod'
import { limits } from '../../model/limits.ts'

/**
 * Well-formed Unicode: half a surrogate pair would make `encodeURI` and its kin throw far from here.
 * Length is bounded by the message.
 */
export const text = z.string().refine((value) => value.isWellFormed(), 'has half a surrogate pair')

/** Counts, ports, indexes, times in milliseconds: exact as a double. */
export const wholeNumber = z.number().int().nonnegative()

export const flag = z.boolean()

export const textMap = z.record(text, text)

export const textList = z.array(text)

/** Settings that we keep without understanding them; bounded in depth, because later code walks them by recursion. */
export const opaqueMap = z
  .record(text, z.unknown())
  .refine((value) => isShallow(value), `is nested deeper than ${limits.hclDepth} levels`)

/** Level by level instead of recursively: the value may be the attack that the check is for. */
export function isShallow(value: unknown): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; depth <= limits.hclDepth; depth += 1) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
    if (level.length === 0) return true
  }
  return false
}
