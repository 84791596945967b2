// Lines of the doctor as a test compares them: mark and code, with the text and the remedy where they matter.
import type { Line } from '../../../src/command/doctor/line.ts'

/** `ok`, `unseen`, or the code. */
export const codesOf = (lines: readonly Line[]): readonly string[] =>
  lines.map(({ mark, code }) => (code === '' ? mark : code))

export const problemsOf = (lines: readonly Line[]): readonly Line[] =>
  lines.filter(({ mark }) => mark === 'wrong' || mark === 'warning')

export const agent = { name: 'mesh-agent', uid: 990, gids: [990] } as const
