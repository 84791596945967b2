// Every story in this folder, run against the real core; what comes out must be what its file says.
// `npx vitest run -u test/scenarios` writes the files anew: read the difference, it is the change of behaviour.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RaftMessage, RaftMessageType } from '../../src/model/raft-message.ts'
import { runCommand } from './commands.ts'
import { commandsOf, parseStory, proseOf, tellStory } from './story.ts'
import { World } from './world.ts'

const folder = import.meta.dirname
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort()

function told(file: string, world: World): string {
  return tellStory(parseStory(readFileSync(join(folder, file), 'utf8')), (commands, lineNumber) => {
    for (const command of commands)
      try {
        runCommand(world, command)
      } catch (error) {
        throw new Error(`${file}, paragraph at line ${lineNumber}, ${command}`, { cause: error })
      }
    return world.takeLines()
  })
}

test.each(files)('%s happens as it is told', async (file) => {
  await expect(told(file, new World())).toMatchFileSnapshot(join(folder, file))
})

test.each(files)('%s says first what to notice', (file) => {
  const paragraphs = parseStory(readFileSync(join(folder, file), 'utf8'))
  expect(proseOf(paragraphs).length).toBeGreaterThanOrEqual(2)
  expect(paragraphs.flatMap(commandsOf).length).toBeGreaterThan(2)
})

/** A record, so that a new kind of message does not compile until it stands here. */
const kinds: Readonly<Record<RaftMessageType, true>> = {
  'pre-vote': true,
  'pre-vote-response': true,
  vote: true,
  'vote-response': true,
  append: true,
  'append-accepted': true,
  'append-rejected': true,
  heartbeat: true,
  'heartbeat-response': true,
  'newer-term': true,
  read: true,
  'read-response': true,
  'timeout-now': true,
  'snapshot-chunk': true,
  'snapshot-received': true,
}

test('every kind of message plays a part in some story', () => {
  const sent = new Set<RaftMessage['type']>()
  for (const file of files) {
    const world = new World()
    told(file, world)
    for (const kind of world.kindsSent) sent.add(kind)
  }
  expect(Object.keys(kinds).filter((kind) => !sent.has(kind as RaftMessageType))).toEqual([])
})
