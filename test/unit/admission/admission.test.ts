// The gate: who may write what, and what is too large or too odd to be written.
import { expect, test } from 'vitest'
import type { Principal } from '../../../src/model/access.ts'
import { anonymous } from '../../../src/model/access.ts'
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import {
  aCheck,
  aMemberCheck,
  aNode,
  aService,
  aSidecar,
  genesis,
  intention,
  register,
} from '../store/rows.ts'
import { asHost, asOperator, asServer, TestServer } from '../store/server.ts'

function founded(): TestServer {
  const server = new TestServer()
  server.applied(genesis())
  return server
}

const outcome = (server: TestServer, principal: Principal, command: Command): string => {
  const result = server.write(principal, command)
  return result.ok ? result.value.value.kind : result.failure.code
}

test('a host writes its own registrations for the services of its enrollment', () => {
  const server = founded()
  const host = asHost('n1', ['web', 'shop-*'])
  expect(outcome(server, host, register(aNode('n1'), [aService('web'), aSidecar('web')]))).toBe('done')
  expect(outcome(server, host, register('n1', [aService('shop-cart'), aSidecar('shop-cart')]))).toBe('done')
  expect(outcome(server, host, register('n1', [aService('db')]))).toBe('service-not-allowed')
  expect(outcome(server, host, register('n1', [aService('web'), aSidecar('db')]))).toBe('service-not-allowed')
  expect(outcome(server, host, register(aNode('n2'), [aService('web')]))).toBe('bad-token')
  expect(outcome(server, host, register(aNode('n1', { id: 'of-another' })))).toBe('bad-token')
  expect(outcome(server, host, { type: 'catalog.deregister', node: 'n2' })).toBe('bad-token')
  expect(outcome(server, host, { type: 'catalog.deregister', node: 'n1', serviceId: 'web' })).toBe('done')
})

test('a sidecar cannot carry the name of a service that its host may not be', () => {
  const server = founded()
  const host = asHost('n1', ['web'])
  const disguised = aSidecar('web', { name: 'db' })
  expect(outcome(server, host, register(aNode('n1'), [disguised]))).toBe('service-not-allowed')
  expect(outcome(server, asHost('n1', ['web', 'db']), register(aNode('n1'), [disguised]))).toBe('done')
  const native = aService('db', { connectNative: true })
  expect(outcome(server, host, register('n1', [native]))).toBe('service-not-allowed')
})

test('membership is written by servers only', () => {
  const server = founded()
  const passing = register(aNode('n1'), [], [aMemberCheck('n1', 'passing')])
  expect(outcome(server, asHost('n1'), passing)).toBe('bad-token')
  expect(outcome(server, asOperator, passing)).toBe('bad-token')
  expect(outcome(server, asServer, passing)).toBe('done')
  const remove: Command = { type: 'catalog.deregister', node: 'n1', checkId: 'serfHealth' }
  expect(outcome(server, asHost('n1'), remove)).toBe('bad-token')
  expect(outcome(server, asOperator, remove)).toBe('bad-token')
})

test('cluster-wide changes need an operator, founding and enrolling a server', () => {
  const server = founded()
  for (const principal of [asHost('n1'), anonymous]) {
    expect(outcome(server, principal, intention('a', 'b', 'allow'))).toBe('bad-token')
    expect(
      outcome(server, principal, { type: 'intention.delete', sourceName: 'a', destinationName: 'b' }),
    ).toBe('bad-token')
  }
  expect(outcome(server, anonymous, register(aNode('n1')))).toBe('not-enrolled')
  expect(outcome(server, asOperator, intention('a', 'b', 'allow'))).toBe('intention')
  expect(outcome(server, asOperator, genesis())).toBe('bad-token')
  const redeem: Command = {
    type: 'enrollment.redeem',
    tokenHash: 'c'.repeat(64),
    node: 'n',
    nodeId: 'i',
    publicKey: 'k',
  }
  expect(outcome(server, asOperator, redeem)).toBe('bad-token')
  expect(outcome(server, asServer, redeem)).toBe('token-unknown')
})

test('names that could be something else are refused', () => {
  const server = founded()
  const bad = ['', 'we b', 'web*', 'w\u0000b', 'w\nb', 'x'.repeat(limits.catalogNameChars + 1)]
  for (const name of bad) {
    expect(outcome(server, asOperator, register(aNode(name))), name).toBe('bad-request')
    expect(outcome(server, asOperator, intention(name, 'db', 'allow')), name).toBe('bad-request')
    expect(outcome(server, asOperator, register(aNode('n1'), [aService(name, { id: 'a' })])), name).not.toBe(
      'done',
    )
  }
  expect(outcome(server, asOperator, intention('*', '*', 'allow'))).toBe('intention')
  expect(outcome(server, asOperator, register(aNode('n1'), [aService('*')]))).toBe('bad-request')
})

test('labels, tags, descriptions and outputs have limits', () => {
  const server = founded()
  const many = Object.fromEntries(Array.from({ length: limits.metaPairs + 1 }, (_, i) => [`k${i}`, 'v']))
  expect(outcome(server, asOperator, register(aNode('n1', { meta: many })))).toBe('too-large')
  const long = 'x'.repeat(limits.metaValueChars + 1)
  expect(outcome(server, asOperator, register(aNode('n1'), [aService('a', { meta: { long } })]))).toBe(
    'too-large',
  )
  const tags = Array.from({ length: limits.tagsPerService + 1 }, (_, i) => `t${i}`)
  expect(outcome(server, asOperator, register(aNode('n1'), [aService('a', { tags })]))).toBe('too-large')
  const description = 'x'.repeat(limits.descriptionChars + 1)
  expect(outcome(server, asOperator, intention('a', 'b', 'allow', { description }))).toBe('too-large')
  const output = 'x'.repeat(limits.catalogOutputChars + 1)
  expect(outcome(server, asOperator, register(aNode('n1'), [], [aCheck('n1', 'c', { output })]))).toBe(
    'too-large',
  )
  expect(outcome(server, asOperator, register(aNode('n1'), [aService('a', { port: 70_000 })]))).toBe(
    'invalid-service',
  )
  expect(server.store.view().index, 'nothing of it was logged').toBe(1)
})

test('what was admitted carries its principal and the time of the proposer', () => {
  const server = founded()
  server.clock.run(1_234)
  server.write(asOperator, intention('web', 'db', 'allow'))
  const entry = server.consensus.entries.at(-1)
  const envelope = JSON.parse(Buffer.from(entry?.bytes.subarray(1) ?? []).toString()) as Record<
    string,
    unknown
  >
  expect(envelope).toMatchObject({ version: 1, principal: asOperator, atMs: 1_700_000_000_000 + 1_234 })
})

test('refusals are counted by code, before and after the log', () => {
  const server = founded()
  outcome(server, anonymous, register(aNode('n1')))
  outcome(server, asOperator, register('missing', [aService('a')]))
  const counted = [...server.metrics.counts.keys()]
  expect(counted).toContain(
    'mesh_server_write_refusals_total{"code":"not-enrolled","type":"catalog.register"}',
  )
  expect(counted).toContain('mesh_server_write_refusals_total{"code":"not-found","type":"catalog.register"}')
  server.consensus.leading = false
  expect(outcome(server, asOperator, intention('a', 'b', 'allow'))).toBe('no-leader')
})
