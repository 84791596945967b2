/**
 * What one look at a host comes to: a line with a mark, and where something is amiss a code and what to type. The judges
 * (judge/) make lines, report.ts shows them; a line knows nothing of either.
 */
import {
  type FindingCode,
  findingCatalogue,
  type RefusedHostCode,
  type Severity,
} from '../../model/finding.ts'

/** `unseen`: could not be looked at, which proves nothing either way. */
export type Mark = 'ok' | 'unseen' | Severity

export interface Line {
  readonly mark: Mark
  /** One sentence without its end. */
  readonly text: string
  /** '' where nothing is amiss. */
  readonly code: FindingCode | RefusedHostCode | ''
  /** Ready to be typed, or to be written into a file. */
  readonly remedy: string
}

const none = ''

export const well = (text: string): Line => ({ mark: 'ok', text, code: none, remedy: '' })

export const unseen = (text: string, remedy = 'sudo mesh doctor'): Line => ({
  mark: 'unseen',
  text,
  code: none,
  remedy,
})

/** `severity` only where the place makes it lighter than the catalogue has it. */
export function amiss(
  code: FindingCode,
  text: string,
  remedy: string,
  severity: Severity = findingCatalogue[code].severity,
): Line {
  return { mark: severity, text, code, remedy }
}

/** What errors.ts has a code for: a refusal by a server, state of a newer version. */
export const refused = (code: RefusedHostCode, text: string, remedy: string): Line => ({
  mark: 'wrong',
  text,
  code,
  remedy,
})
