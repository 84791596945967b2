// How an examination is shown: groups, marks, remedies, a verdict; only what is amiss where that was asked; JSON for programs.
import { expect, test } from 'vitest'
import { amiss, unseen, well } from '../../../src/command/doctor/line.ts'
import { reportOf, showReport } from '../../../src/command/doctor/report.ts'
import type { Terminal } from '../../../src/command/terminal.ts'

const groups = [
  { name: 'state', lines: [well('the disk has room'), unseen('what lies in /x cannot be seen')] },
  {
    name: 'network',
    lines: [
      amiss('port-taken', 'TCP port 8500 is taken by \u001b[31mnginx', 'ss -ltnp'),
      amiss('gossip-refuses', 'the gossip port cannot be reached', 'let it pass'),
    ],
  },
]

function shown(options: Partial<Parameters<typeof showReport>[2]>, of = groups): readonly string[] {
  const lines: string[] = []
  const terminal: Terminal = {
    form: 'table',
    line: (text) => void lines.push(text),
    note: () => undefined,
    show: (_data, people) => people(),
    table: () => undefined,
  }
  showReport(terminal, of, { isQuiet: false, hasColour: false, ...options })
  return lines
}

test('every line has its mark, what is amiss its code and what to do, and the verdict comes last', () => {
  expect(shown({})).toEqual([
    'state',
    '  ok        the disk has room',
    '  not seen  what lies in /x cannot be seen',
    '            try: sudo mesh doctor',
    'network',
    '  WRONG     TCP port 8500 is taken by  [31mnginx (port-taken)',
    '            do: ss -ltnp',
    '  warning   the gossip port cannot be reached (gossip-refuses)',
    '            do: let it pass',
    '1 thing is wrong, 1 warning; 1 could not be looked at. `mesh explain CODE` tells more.',
  ])
})

test('quiet shows only what is amiss, and on a host that is well the verdict alone', () => {
  expect(shown({ isQuiet: true })).toHaveLength(6)
  expect(shown({ isQuiet: true }, [{ name: 'state', lines: [well('x')] }])).toEqual([
    'This host is well: 1 thing looked at.',
  ])
})

test('marks have a colour on a terminal only', () => {
  expect(shown({ hasColour: true })[1]).toBe('  \u001b[32mok      \u001b[0m  the disk has room')
})

test('programs get the same with a verdict and counts', () => {
  expect(reportOf(groups)).toMatchObject({ Verdict: 'wrong', Wrong: 1, Warnings: 1, Unseen: 1 })
  expect(reportOf(groups).Lines[2]).toMatchObject({
    Group: 'network',
    Mark: 'wrong',
    Code: 'port-taken',
    Remedy: 'ss -ltnp',
  })
  expect(reportOf([{ name: 'x', lines: [well('y')] }]).Verdict).toBe('well')
  expect(reportOf([{ name: 'x', lines: [amiss('gossip-refuses', 'y', 'z')] }]).Verdict).toBe('warnings')
})
