// Every form of a name that DNS answers, read by dns-packet.
import { expect, test } from 'vitest'
import { DnsWorld, nodeOf, said } from './world.ts'

function webWorld(): DnsWorld {
  const world = new DnsWorld()
  world.put({
    node: 'a',
    nodeAddress: '10.0.0.1',
    name: 'web',
    tags: ['V1', 'a.b'],
    port: 80,
    nodeMeta: { os: 'linux' },
  })
  world.put({ node: 'b', nodeAddress: '10.0.0.2', name: 'web', tags: ['v2'], port: 81, address: '10.1.0.2' })
  return world
}

const soa = (domain: string): string => `SOA ${domain} ns.${domain} hostmaster.${domain}`

test.each([
  ['web.service.mesh', ['A web.service.mesh 10.0.0.1', 'A web.service.mesh 10.1.0.2']],
  ['web.service.dc1.mesh', ['A web.service.dc1.mesh 10.0.0.1', 'A web.service.dc1.mesh 10.1.0.2']],
  ['web.service.dc1.dc.mesh', ['A web.service.dc1.dc.mesh 10.0.0.1', 'A web.service.dc1.dc.mesh 10.1.0.2']],
  ['web.service.consul', ['A web.service.consul 10.0.0.1', 'A web.service.consul 10.1.0.2']],
  ['v1.web.service.mesh', ['A v1.web.service.mesh 10.0.0.1']],
  ['a.b.web.service.mesh', ['A a.b.web.service.mesh 10.0.0.1']],
  ['_web._tcp.mesh', ['A _web._tcp.mesh 10.0.0.1', 'A _web._tcp.mesh 10.1.0.2']],
  ['_web._v2.service.dc1.mesh', ['A _web._v2.service.dc1.mesh 10.1.0.2']],
  ['a.node.mesh', ['A a.node.mesh 10.0.0.1']],
  ['a.node.dc1.mesh', ['A a.node.dc1.mesh 10.0.0.1']],
  ['here.node.mesh', ['A here.node.mesh 10.9.9.9']],
  ['0a010203.addr.dc1.mesh', ['A 0a010203.addr.dc1.mesh 10.1.2.3']],
  ['ns.mesh', ['A ns.mesh 10.9.9.9']],
])('%s is found', (name, answers) => {
  const answer = webWorld().ask(name)
  expect(answer?.rcode).toBe('NOERROR')
  expect(answer?.flag_aa).toBe(true)
  expect(said(answer?.answers)).toEqual(answers)
  expect(said(answer?.authorities)).toEqual([])
})

test.each([
  'nope.service.mesh',
  'v3.web.service.mesh',
  'web.service.dc2.mesh',
  'web.service.dc1.peer.mesh',
  'web.service.a.b.c.mesh',
  'service.mesh',
  'web.mesh',
  'nobody.node.mesh',
  'node.mesh',
  'xyz.addr.dc1.mesh',
  '0a0102.addr.dc1.mesh',
  'web.ingress.mesh',
  'web.query.mesh',
  'web.virtual.mesh',
  'web.connect.mesh',
])('%s is not there, and the SOA record says for how long', (name) => {
  const answer = webWorld().ask(name)
  expect(answer?.rcode).toBe('NXDOMAIN')
  expect(said(answer?.answers)).toEqual([])
  expect(said(answer?.authorities)).toEqual([soa('mesh')])
})

test('a name that is there has no record of another type, which is no error', () => {
  for (const [name, type] of [
    ['web.service.consul', 'AAAA'],
    ['web.service.consul', 'TXT'],
    ['a.node.consul', 'SRV'],
    ['consul', 'A'],
  ] as const) {
    const answer = webWorld().ask(name, type)
    expect([name, answer?.rcode]).toEqual([name, 'NOERROR'])
    expect(said(answer?.answers)).toEqual([])
    expect(said(answer?.authorities)).toEqual([soa('consul')])
  }
})

test('SRV names the host, or the service’s own address, with addresses and labels beside it', () => {
  const answer = webWorld().ask('web.service.mesh', 'SRV', { edns: 1_232 })
  expect(said(answer?.answers)).toEqual([
    'SRV web.service.mesh 1 1 80 a.node.dc1.mesh',
    'SRV web.service.mesh 1 1 81 0a010002.addr.dc1.mesh',
  ])
  expect(said(answer?.additionals)).toEqual([
    'A 0a010002.addr.dc1.mesh 10.1.0.2',
    'A a.node.dc1.mesh 10.0.0.1',
    'TXT a.node.dc1.mesh os=linux',
  ])
})

test('weights of SRV follow the health of each instance', () => {
  const world = new DnsWorld()
  const weights = { passing: 10, warning: 2 }
  world.put({ node: 'a', name: 'web', weights })
  world.put({ node: 'b', name: 'web', weights, status: 'warning' })
  world.put({ node: 'c', name: 'web', weights, status: 'critical' })
  expect(said(world.ask('web.service.mesh', 'SRV')?.answers)).toEqual([
    'SRV web.service.mesh 1 10 8080 a.node.dc1.mesh',
    'SRV web.service.mesh 1 2 8080 b.node.dc1.mesh',
  ])
  world.settings = { ...world.settings, onlyPassing: true }
  world.dns.settingsChanged()
  expect(said(world.ask('web.service.mesh', 'SRV')?.answers)).toEqual([
    'SRV web.service.mesh 1 10 8080 a.node.dc1.mesh',
  ])
})

test('a service none of whose instances is healthy is not there', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', name: 'web', status: 'critical' })
  expect(world.ask('web.service.mesh')?.rcode).toBe('NXDOMAIN')
  world.put({ node: 'a', name: 'web', status: 'passing' })
  expect(world.ask('web.service.mesh')?.rcode).toBe('NOERROR')
})

test('connect names lead to mesh instances, virtual names to the virtual address', () => {
  const world = webWorld()
  world.put({ node: 'a', name: 'web', id: 'web-sidecar', port: 21_000 }, true)
  world.put({ node: 'c', nodeAddress: '10.0.0.3', name: 'db', virtualAddress: '240.0.0.7' })
  expect(said(world.ask('web.connect.mesh', 'SRV')?.answers)).toEqual([
    'SRV web.connect.mesh 1 1 21000 a.node.dc1.mesh',
  ])
  expect(said(world.ask('db.virtual.mesh')?.answers)).toEqual(['A db.virtual.mesh 240.0.0.7'])
})

test('IPv6 addresses are AAAA records, in every form', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', nodeAddress: 'fd00::a', name: 'web' })
  expect(said(world.ask('web.service.mesh', 'AAAA')?.answers)).toEqual(['AAAA web.service.mesh fd00::a'])
  expect(said(world.ask('web.service.mesh', 'A')?.answers)).toEqual([])
  const hex = 'fd00000000000000000000000000000a'
  expect(said(world.ask(`${hex}.addr.dc1.mesh`, 'AAAA')?.answers)).toEqual([
    `AAAA ${hex}.addr.dc1.mesh fd00::a`,
  ])
  const reverse = `${[...hex].reverse().join('.')}.ip6.arpa`
  expect(said(world.ask(reverse, 'PTR')?.answers)).toEqual([`PTR ${reverse} a.node.dc1.mesh`])
})

test('an address leads back to its node, and to services that have it as their own', () => {
  const world = webWorld()
  expect(said(world.ask('1.0.0.10.in-addr.arpa', 'PTR')?.answers)).toEqual([
    'PTR 1.0.0.10.in-addr.arpa a.node.dc1.mesh',
  ])
  expect(said(world.ask('2.0.1.10.in-addr.arpa', 'PTR')?.answers)).toEqual([
    'PTR 2.0.1.10.in-addr.arpa web.service.dc1.mesh',
  ])
  expect(world.ask('9.9.9.9.in-addr.arpa', 'PTR')?.rcode).toBe('NXDOMAIN')
})

test('the labels of a node are TXT records, plain where their key asks for it', () => {
  const world = new DnsWorld()
  world.putNode(nodeOf('a', '10.0.0.1', { os: 'linux', 'rfc1035-note': 'hello there' }))
  expect(said(world.ask('a.node.mesh', 'TXT')?.answers)).toEqual([
    'TXT a.node.mesh hello there',
    'TXT a.node.mesh os=linux',
  ])
  expect(said(world.ask('a.node.mesh', 'ANY')?.answers)).toEqual([
    'A a.node.mesh 10.0.0.1',
    'TXT a.node.mesh hello there',
    'TXT a.node.mesh os=linux',
  ])
  expect(said(world.ask('a.node.mesh', 'A')?.additionals)).toHaveLength(2)
  world.settings = { ...world.settings, nodeMetaTexts: false }
  world.dns.settingsChanged()
  expect(said(world.ask('a.node.mesh', 'A')?.additionals)).toEqual([])
})

test('the zone names its servers and its authority', () => {
  const world = new DnsWorld()
  for (const n of [1, 2, 3, 4, 5])
    world.put({ node: `s${n}`, nodeAddress: `10.0.0.${n}`, name: 'consul', id: 'consul' })
  expect(said(world.ask('mesh', 'SOA')?.answers)).toEqual([soa('mesh')])
  const servers = world.ask('mesh', 'NS')
  expect(servers?.answers).toHaveLength(3)
  expect(said(servers?.answers)[0]).toMatch(/^NS mesh s\d\.node\.dc1\.mesh$/)
  expect(said(servers?.additionals)).toHaveLength(3)
})

test('names are found in any letters, and the question comes back as it was asked', () => {
  const world = webWorld()
  for (const name of ['wEb.SeRvIcE.MeSh', 'WEB.service.mesh', 'web.service.mesh']) {
    const answer = world.ask(name, 'SRV')
    expect(answer?.questions?.[0]?.name).toBe(name)
    expect(answer?.answers).toHaveLength(2)
    for (const record of answer?.answers ?? []) expect(record.name).toBe(name)
  }
  world.put({ node: 'c', name: 'Payments', nodeAddress: '10.0.0.9' })
  expect(said(world.ask('Payments.service.mesh')?.answers)).toEqual(['A Payments.service.mesh 10.0.0.9'])
})

test('instances on one address are one address, and keep their ports in SRV', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', name: 'web', id: 'web-1', port: 80 })
  world.put({ node: 'a', name: 'web', id: 'web-2', port: 81 })
  expect(world.ask('web.service.mesh', 'A')?.answers).toHaveLength(1)
  const servers = world.ask('web.service.mesh', 'SRV')
  expect(servers?.answers).toHaveLength(2)
  expect(said(servers?.additionals)).toEqual(['A a.node.dc1.mesh 10.0.0.1'])
})

test('a service or node whose address is a host name is an alias', () => {
  const world = new DnsWorld()
  world.put({ node: 'a', name: 'ext', address: 'db.example.com' })
  world.putNode(nodeOf('far', 'far.example.com'))
  expect(said(world.ask('ext.service.mesh', 'A')?.answers)).toEqual(['CNAME ext.service.mesh db.example.com'])
  expect(said(world.ask('far.node.mesh', 'AAAA')?.answers)).toEqual(['CNAME far.node.mesh far.example.com'])
  expect(said(world.ask('ext.service.mesh', 'SRV')?.answers)).toEqual([
    'SRV ext.service.mesh 1 1 8080 db.example.com',
  ])
})

test('an alias to a name of ours is followed', () => {
  const world = webWorld()
  world.put({ node: 'x', name: 'ext', address: 'v1.web.service.consul' })
  expect(world.ask('ext.service.mesh', 'A')?.answers?.map((record) => said([record])[0])).toEqual([
    'CNAME ext.service.mesh v1.web.service.consul',
    'A v1.web.service.consul 10.0.0.1',
  ])
  world.put({ node: 'y', name: 'loop', address: 'loop.service.mesh' })
  expect(world.ask('loop.service.mesh', 'A')?.rcode).toBe('NOERROR')
})

test('names that DNS cannot write do not stop the answer', () => {
  const world = new DnsWorld()
  const long = 'n'.repeat(70)
  world.put({ node: long, nodeAddress: '10.0.0.4', name: 'web' })
  world.put({ node: 'ok', nodeAddress: '10.0.0.5', name: 'w'.repeat(80), address: '10.7.7.7' })
  expect(said(world.ask('web.service.mesh', 'SRV')?.answers)).toEqual([
    'SRV web.service.mesh 1 1 8080 0a000004.addr.dc1.mesh',
  ])
  expect(world.ask('7.7.7.10.in-addr.arpa', 'PTR')?.rcode).toBe('NOERROR')
})

test('domains are what the configuration says, the longer one first where one ends with another', () => {
  const world = new DnsWorld({ domains: ['mesh.internal', 'internal'] })
  world.put({ node: 'a', name: 'web' })
  expect(world.ask('web.service.mesh.internal')?.rcode).toBe('NOERROR')
  expect(world.ask('web.service.internal')?.rcode).toBe('NOERROR')
  expect(world.ask('web.service.consul')?.rcode).toBe('REFUSED')
})
