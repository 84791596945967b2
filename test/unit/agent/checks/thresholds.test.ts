import { expect, test } from 'vitest'
import { Thresholds } from '../../../../src/agent/checks/thresholds.ts'
import type { CheckStatus } from '../../../../src/model/check.ts'

const results: Readonly<Record<string, CheckStatus>> = { p: 'passing', w: 'warning', c: 'critical' }

/** Shows what each result of `story` makes of the status: a letter, or `.` where the one before stands. */
function told(story: string, passing: number, warning: number, critical: number): string {
  const thresholds = new Thresholds({
    successBeforePassing: passing,
    failuresBeforeWarning: warning,
    failuresBeforeCritical: critical,
  })
  return [...story].map((letter) => thresholds.take(results[letter] ?? 'passing')?.[0] ?? '.').join('')
}

test('without thresholds every result counts', () => {
  expect(told('pcwpc', 0, 0, 0)).toBe('pcwpc')
})

test('the first result counts at once, whatever the thresholds', () => {
  expect(told('p', 3, 0, 0)).toBe('p')
  expect(told('c', 0, 3, 3)).toBe('c')
  expect(told('w', 3, 3, 3)).toBe('w')
})

test('after a failure so many successes in a row are wanted before passing', () => {
  expect(told('pcppp', 3, 0, 0)).toBe('pc..p')
  expect(told('cppcppp', 3, 0, 0)).toBe('c..c..p')
})

test('so many failures in a row are wanted before critical, warning comes on the way where it is asked for', () => {
  expect(told('pccc', 0, 3, 3)).toBe('p..c')
  expect(told('pcccc', 0, 2, 4)).toBe('p.wwc')
  expect(told('pccpcc', 0, 3, 3)).toBe('p..p..')
})

test('a warning counts as a success', () => {
  expect(told('cwwp', 2, 0, 0)).toBe('c.wp')
})
