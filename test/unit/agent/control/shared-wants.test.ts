// Rooms of the agent that want views do not take each other's away.
import { expect, test } from 'vitest'
import { SharedWants } from '../../../../src/agent/control/shared-wants.ts'
import type { Subject } from '../../../../src/model/topic.ts'

const health = (key: string): Subject => ({ topic: 'service-health', key })

test('what any room wants is wanted, once, and the first room’s part comes first', () => {
  const wanted: (readonly string[])[] = []
  const wants = new SharedWants({ want: (subjects) => wanted.push(subjects.map(({ key }) => key)) })
  const plan = wants.part()
  const dns = wants.part()
  dns([health('x'), health('web')])
  plan([health('web'), health('db')])
  dns([health('y')])
  plan([])
  expect(wanted).toEqual([['x', 'web'], ['web', 'db', 'x'], ['web', 'db', 'y'], ['y']])
})
