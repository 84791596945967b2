import { describe, expect, test } from 'vitest'
import { type Failure, ok } from '../../../../src/model/errors.ts'
import type { NodeServices, ReadAnswer } from '../../../../src/model/query.ts'
import type { ReadRequest, Reply, ServerClient } from '../../../../src/rpc/contract.ts'
import { aliasProbe, checkOf, serviceOf, ttlProbe } from '../fakes.ts'
import { ChecksHost } from './checks-host.ts'

const ttl = (id: string) => checkOf(id, { probe: ttlProbe(1e9) })
const alias = (id: string, target: string, node = '') => checkOf(id, { probe: aliasProbe(target, node) })

describe('an alias of a service on this host', () => {
  test('shows the worst of its target’s checks and of the node’s, as soon as they change', () => {
    const host = new ChecksHost()
    host.register('web', ttl('a'), ttl('b'))
    host.register('other', alias('x', 'web'))
    const shown = (): unknown => host.shown('x')
    expect(shown()).toEqual(['critical', 'Aliased check "a" failing: '])
    host.state.updateTtl('a', 'passing', '')
    host.state.updateTtl('b', 'warning', 'slow')
    expect(shown()).toEqual(['warning', 'Aliased check "b" failing: slow'])
    host.state.updateTtl('b', 'passing', '')
    expect(shown()).toEqual(['passing', 'All checks passing.'])
    host.state.registerCheck(ttl('disk'), 'api')
    host.state.updateTtl('disk', 'critical', 'full')
    expect(shown()).toEqual(['critical', 'Aliased check "disk" failing: full'])
    host.state.deregisterCheck('disk')
    expect(shown()).toEqual(['passing', 'All checks passing.'])
  })

  test('passes where the target has no checks and fails where there is no target', () => {
    const host = new ChecksHost()
    host.register('other', alias('x', 'web'))
    expect(host.shown('x')).toEqual(['critical', 'Service web could not be found on node n1'])
    host.register('web')
    expect(host.shown('x')).toEqual(['passing', 'No checks found.'])
    host.state.deregister('web')
    expect(host.shown('x')[0]).toBe('critical')
  })

  test('does not count itself, and two that stand for each other come to rest', () => {
    const host = new ChecksHost()
    host.register('web', alias('x', 'web'))
    expect(host.shown('x')).toEqual(['passing', 'No checks found.'])
    host.register('a', alias('of-b', 'b'))
    host.register('b', alias('of-a', 'a'))
    expect(host.shown('of-a')[1]?.length).toBeLessThanOrEqual(4_096)
  })
})

/** A server that answers each read when the test says so. */
class RemoteNode {
  readonly reads: { request: ReadRequest<'catalog.node'>; reply: Reply<ReadAnswer<'catalog.node'>> }[] = []
  readonly read: ServerClient['read'] = (request, reply) => {
    this.reads.push({ request, reply } as never)
    return { cancel: () => undefined }
  }

  answer(index: number, answer: NodeServices | null): void {
    const meta = { index, knownLeader: true, lastContactMs: 0, effective: 'stale' } as const
    this.reads.at(-1)?.reply(ok({ meta, answer }))
  }

  fail(failure: Failure): void {
    this.reads.at(-1)?.reply({ ok: false, failure })
  }
}

describe('an alias of a service on another host', () => {
  const indexes = { createIndex: 1, modifyIndex: 1 }
  const remote = (status: 'passing' | 'critical'): NodeServices => ({
    node: { id: '', name: 'n2', address: '', datacenter: 'dc1', taggedAddresses: {}, meta: {}, ...indexes },
    services: [{ ...serviceOf('db'), ...indexes }],
    checks: [
      {
        node: 'n2',
        checkId: 'c',
        name: 'query',
        status,
        notes: '',
        output: 'said',
        serviceId: 'db',
        serviceName: 'db',
        serviceTags: [],
        type: 'tcp',
        interval: '',
        timeout: '',
        ...indexes,
      },
    ],
  })

  test('follows it by blocking reads, and keeps its last status while no server answers', () => {
    const server = new RemoteNode()
    const host = new ChecksHost({ read: server.read })
    host.register('web', alias('x', 'db', 'n2'))
    host.clock.run(1_001)
    expect(server.reads).toHaveLength(1)
    expect(server.reads[0]?.request.args).toEqual({ node: 'n2' })
    server.answer(7, remote('critical'))
    expect(host.shown('x')).toEqual(['critical', 'Aliased check "query" failing: said'])
    host.clock.run(1_001)
    expect(server.reads[1]?.request.options.minIndex).toBe(7)
    server.answer(9, remote('passing'))
    expect(host.shown('x')).toEqual(['passing', 'All checks passing.'])

    host.clock.run(1_001)
    for (let failures = 0; failures < 20; failures += 1) {
      server.fail({ code: 'no-server', message: 'away' })
      host.clock.run(60_001)
    }
    expect(server.reads.length).toBeLessThan(25)
    expect(host.shown('x')).toEqual(['passing', 'All checks passing.'])

    server.answer(3, null)
    expect(host.shown('x')).toEqual(['critical', 'Service db could not be found on node n2'])
    host.clock.run(1_001)
    expect(server.reads.at(-1)?.request.options.minIndex).toBe(0)
  })

  test('asks no more when the check is gone', () => {
    const server = new RemoteNode()
    const host = new ChecksHost({ read: server.read })
    host.register('web', alias('x', 'db', 'n2'))
    host.clock.run(1_001)
    host.state.deregister('web')
    server.answer(7, remote('critical'))
    host.clock.run(60_000)
    expect(server.reads).toHaveLength(1)
  })
})
