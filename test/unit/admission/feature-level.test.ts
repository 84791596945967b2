// A cluster with an older server in it takes no command that this server could not read.
import { expect, test } from 'vitest'
import { autopilotDefaults } from '../../../src/model/autopilot.ts'
import type { Command } from '../../../src/model/command.ts'
import { Admission } from '../../../src/server/admission/admission.ts'
import { noMetrics, silentLog } from '../../simulation/servers.ts'
import { genesis } from '../store/rows.ts'
import { asServer, TestServer } from '../store/server.ts'

test('a command of a later level is refused until the leader has raised the level, and others go on', () => {
  const server = new TestServer()
  const { clock, consensus, store } = server
  const admission = new Admission({
    consensus,
    clock,
    log: silentLog,
    metrics: noMetrics,
    featureLevel: () => store.view().featureLevel,
  })
  const codeOf = (command: Command): string => {
    let code = 'open'
    admission.write(asServer, command, (result) => {
      code = result.ok ? 'ok' : result.failure.code
    })
    clock.run(10)
    return code
  }
  server.applied(genesis())
  const later: Command = { type: 'autopilot.set', config: autopilotDefaults }
  const entries = consensus.entries.length
  expect(codeOf(later)).toBe('feature-level')
  expect(consensus.entries.length).toBe(entries)
  expect(codeOf({ type: 'settings.set', settings: { defaultIntentionAction: 'allow' } })).toBe('ok')
  expect(codeOf({ type: 'feature.raise', level: 2 })).toBe('ok')
  expect(codeOf(later)).toBe('ok')
  expect(store.view().settings()?.defaultIntentionAction).toBe('allow')
})
