// Where answers come from: the first question goes to a server, the next ones are answered from memory, changes are seen at
// once, and nothing stops while the servers are away.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { DnsWorld, nodeOf, said } from './world.ts'

const addresses = (world: DnsWorld, name: string): readonly string[] =>
  said(world.ask(name, 'A', { edns: 4_096 })?.answers).map((text) => text.split(' ')[2] ?? '')

test('a service that was asked for once is followed, and answered without another question', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.1'])
  expect(world.wanted).toEqual([{ topic: 'service-health', key: 'web' }])
  for (let n = 0; n < 100; n++) {
    world.clock.run(60_000)
    expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.1'])
  }
  expect(world.reads).toEqual(['catalog.service web'])
})

test('an instance that comes or goes is seen by the next question', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  addresses(world, 'web.service.mesh')
  world.put({ node: 'b', nodeAddress: '10.0.0.2', name: 'web' })
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.1', '10.0.0.2'])
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web', status: 'critical' })
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.2'])
  world.remove('b', 'web-b', 'web')
  expect(world.ask('web.service.mesh')?.rcode).toBe('NXDOMAIN')
})

test('a name that nobody has is asked for twice a second at most, and found soon after it appears', () => {
  const world = new DnsWorld()
  for (let n = 0; n < 40; n++) expect(world.ask('late.service.mesh')?.rcode).toBe('NXDOMAIN')
  expect(world.reads.length).toBe(1)
  expect(world.wanted).toEqual([])
  world.put({ node: 'a', name: 'late' })
  world.clock.run(600)
  expect(world.ask('late.service.mesh')?.rcode).toBe('NOERROR')
})

test('a service that was followed is answered while no server is there', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  world.putNode(nodeOf('db-1', '10.0.0.8'))
  addresses(world, 'web.service.mesh')
  addresses(world, 'db-1.node.mesh')
  world.disconnect()
  world.clock.run(3_600_000)
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.1'])
  expect(addresses(world, 'db-1.node.mesh')).toEqual(['10.0.0.8'])
  expect(addresses(world, 'here.node.mesh')).toEqual(['10.9.9.9'])
  expect(world.ask('other.service.mesh')?.rcode).toBe('SERVFAIL')
  expect(world.metrics.counts.get('mesh_dns_refusals_total{code=dns-no-server}')).toBe(1)
  world.put({ node: 'b', nodeAddress: '10.0.0.2', name: 'web' })
  world.reconnect()
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.1', '10.0.0.2'])
})

test('the configuration says how old an answer may be', () => {
  const world = new DnsWorld()
  world.settings = { ...world.settings, maxStaleMs: 60_000 }
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  addresses(world, 'web.service.mesh')
  world.disconnect()
  world.clock.run(30_000)
  expect(world.ask('web.service.mesh')?.rcode).toBe('NOERROR')
  world.clock.run(40_000)
  expect(world.ask('web.service.mesh')?.rcode).toBe('SERVFAIL')
  expect(world.metrics.counts.get('mesh_dns_refusals_total{code=dns-too-stale}')).toBe(1)
})

test('without stale answers nothing is answered while no server is there', () => {
  const world = new DnsWorld()
  world.settings = { ...world.settings, allowStale: false }
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.1'])
  world.disconnect()
  expect(world.ask('web.service.mesh')?.rcode).toBe('SERVFAIL')
})

test('questions for one name wait for one answer', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', name: 'web' })
  world.streaming = false
  const { handler } = world.dns
  const bytes = Buffer.from('124701000001000000000000037765620773657276696365046d6573680000010001', 'hex')
  let answers = 0
  for (let n = 0; n < 50; n++)
    handler.handle(bytes, { transport: 'udp', address: '127.0.0.1' }, () => {
      answers += 1
    })
  world.clock.run(10)
  expect([answers, world.reads.length]).toEqual([50, 1])
})

test('a server that does not answer fails the question in time', () => {
  const stuck = new DnsWorld()
  stuck.put({ node: 'a', name: 'web' })
  let rcode: number | undefined
  const bytes = Buffer.from('124701000001000000000000037765620773657276696365046d6573680000010001', 'hex')
  stuck.connected = false
  stuck.dns.handler.handle(bytes, { transport: 'udp', address: '127.0.0.1' }, (answer) => {
    rcode = (answer[3] ?? 0) & 0xf
  })
  stuck.clock.run(limits.dnsLookupMs + 1)
  expect(rcode).toBe(2)
})

test('strangers who ask for many services make the agent follow a bounded number of them', () => {
  const world = new DnsWorld()
  const count = limits.dnsSubjects + 100
  for (let n = 0; n < count; n++) world.put({ node: 'a', name: `svc-${n}` })
  for (let n = 0; n < count; n++) {
    expect(world.ask(`svc-${n}.service.mesh`)?.rcode).toBe('NOERROR')
    world.clock.run(100)
  }
  expect(world.wanted.length).toBe(limits.dnsSubjects)
  expect(world.wanted.at(-1)).toEqual({ topic: 'service-health', key: `svc-${count - 1}` })
})

test('new services are followed no faster than servers like it, and answered all the same', () => {
  const world = new DnsWorld()
  for (let n = 0; n < 200; n++) world.put({ node: 'a', name: `svc-${n}` })
  for (let n = 0; n < 200; n++) expect(world.ask(`svc-${n}.service.mesh`)?.rcode).toBe('NOERROR')
  expect(world.wanted.length).toBeLessThan(100)
})

test('a service that made room is asked for again, and never answered from what it once was', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  addresses(world, 'web.service.mesh')
  for (let n = 0; n < limits.dnsSubjects; n++) {
    world.put({ node: 'a', name: `svc-${n}` })
    world.ask(`svc-${n}.service.mesh`)
    world.clock.run(100)
  }
  expect(world.wanted.some(({ key }) => key === 'web')).toBe(false)
  world.put({ node: 'a', nodeAddress: '10.0.0.2', name: 'web' })
  expect(addresses(world, 'web.service.mesh')).toEqual(['10.0.0.2'])
})

test('a service that is asked for all the time makes room for nobody', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web' })
  for (let n = 0; n < 2 * limits.dnsSubjects; n++) {
    world.put({ node: 'a', name: `svc-${n}` })
    world.ask(`svc-${n}.service.mesh`)
    expect(world.ask('web.service.mesh')?.rcode).toBe('NOERROR')
    world.clock.run(50)
  }
  expect(world.wanted.some(({ key }) => key === 'web')).toBe(true)
  expect(world.reads.filter((read) => read === 'catalog.service web')).toHaveLength(1)
})
