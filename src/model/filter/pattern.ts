/**
 * Regular expressions of RE2's syntax, matched in time proportional to text times pattern, whatever both are: all ways
 * through the program are followed at once (K. Thompson, CACM 11(6), 1968; R. Cox, "Regular Expression Matching: the
 * Virtual Machine Approach", 2009), where the engine of JavaScript would try them one after the other.
 */
import { failed, ok, type Result } from '../errors.ts'
import { limits } from '../limits.ts'
import { FilterMistake } from './mistake.ts'
import { Machine } from './pattern-machine.ts'
import { compileProgram } from './pattern-program.ts'
import { parsePattern } from './pattern-syntax.ts'

/** True where the pattern is found anywhere in the text. */
export type PatternTest = (text: string) => boolean

export function compilePattern(source: string): Result<PatternTest> {
  if (source.length > limits.patternChars)
    return failed('invalid-filter', `it has ${source.length} characters, the limit is ${limits.patternChars}`)
  try {
    const machine = new Machine(compileProgram(parsePattern(source)))
    return ok((text) => machine.finds(text))
  } catch (error) {
    if (error instanceof FilterMistake) return failed('invalid-filter', error.message)
    throw error
  }
}
