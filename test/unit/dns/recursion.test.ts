// Names that are not ours are asked of other name servers, played here on real sockets.
import dnsPacket from 'dns-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningDns, serveDns } from '../../../src/agent/dns/serve.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { askTcp, askUdp, NameServer } from './client.ts'
import { DnsWorld, nodeOf, question, said } from './world.ts'

const opened: NameServer[] = []
let dns: RunningDns | undefined
let world: DnsWorld
let port = 0

beforeEach(async () => {
  world = new DnsWorld({ clock: systemClock })
  const served = await serveDns(world.options, world.dns)
  if (!served.ok) throw new Error(served.failure.message)
  dns = served.value
  port = dns.ports[0] ?? 0
})

afterEach(async () => {
  await dns?.close()
  dns = undefined
  await Promise.all(opened.splice(0).map((server) => server.stop()))
})

type Play = ConstructorParameters<typeof NameServer>[0]

/** Starts name servers that play these parts, and makes DNS use them in this order. */
async function recursors(plays: readonly Play[], timeoutMs = 2_000): Promise<readonly NameServer[]> {
  const servers = plays.map((play) => new NameServer(play))
  opened.push(...servers)
  const addresses = await Promise.all(servers.map((server) => server.start()))
  world.settings = { ...world.settings, recursors: addresses, recursorTimeoutMs: timeoutMs }
  world.dns.settingsChanged()
  return servers
}

const address = (name: string, data: string): dnsPacket.Answer => ({ type: 'A', name, ttl: 60, data })
const answering =
  (data: string): Play =>
  (query) => ({ answers: [address(query.questions?.[0]?.name ?? '', data)] })
const silent: Play = () => undefined
const failing: Play = () => ({ flags: 2 })

test('the answer of the first name server is passed on, with the client’s number and letters', async () => {
  const [first, second] = await recursors([answering('192.0.2.1'), answering('192.0.2.2')])
  const answer = await askUdp(port, question('WWW.example.com'))
  expect(answer).toMatchObject({ id: 4711, flag_ra: true, rcode: 'NOERROR' })
  expect(answer.questions?.[0]?.name).toBe('WWW.example.com')
  expect(said(answer.answers)).toEqual(['A WWW.example.com 192.0.2.1'])
  expect([first?.queries, second?.queries]).toEqual([['udp A WWW.example.com'], []])
})

test.each([
  ['says nothing', silent],
  ['fails', failing],
])('a name server that %s makes room for the next one', async (_, play) => {
  await recursors([play, answering('192.0.2.2')], 200)
  expect(said((await askUdp(port, question('example.com'))).answers)).toEqual(['A example.com 192.0.2.2'])
})

test('a name that is not there is an answer, and no reason to ask on', async () => {
  const [, second] = await recursors([() => ({ flags: 3 }), answering('192.0.2.2')])
  expect((await askUdp(port, question('nope.example.com'))).rcode).toBe('NXDOMAIN')
  expect(second?.queries).toEqual([])
})

test('where none answers the client hears it, with a reason in the log', async () => {
  await recursors([silent, silent], 50)
  expect((await askUdp(port, question('example.com'))).rcode).toBe('SERVFAIL')
  expect(world.metrics.counts.get('mesh_dns_refusals_total{code=dns-recursion-failed}')).toBe(1)
})

test('a cut answer is asked for again over TCP where the client uses TCP', async () => {
  const many = Array.from({ length: 60 }, (_, n) => address('example.com', `192.0.2.${n}`))
  const [server] = await recursors([
    (_, transport) => (transport === 'udp' ? { flags: dnsPacket.TRUNCATED_RESPONSE } : { answers: many }),
  ])
  const [whole] = await askTcp(port, [question('example.com')])
  expect(whole?.answers).toHaveLength(60)
  expect(server?.queries).toEqual(['udp A example.com', 'tcp A example.com'])
  expect((await askUdp(port, question('example.com'))).flag_tc).toBe(true)
})

test('an answer that is larger than the client takes is cut, and says so', async () => {
  const many = Array.from({ length: 60 }, (_, n) => address('example.com', `192.0.2.${n}`))
  await recursors([() => ({ answers: many })])
  const answer = await askUdp(port, question('example.com'))
  expect(answer).toMatchObject({ flag_tc: true, answers: [] })
})

test('an answer to another question or with another number does not count', async () => {
  await recursors(
    [
      (query) => ({ id: ((query.id ?? 0) + 1) & 0xffff, answers: [address('example.com', '192.0.2.66')] }),
      () => ({
        questions: [{ type: 'A', name: 'evil.com' }],
        answers: [address('example.com', '192.0.2.66')],
      }),
      answering('192.0.2.1'),
    ],
    100,
  )
  expect(said((await askUdp(port, question('example.com'))).answers)).toEqual(['A example.com 192.0.2.1'])
})

test('nobody else is asked where the client does not want that', async () => {
  const [server] = await recursors([answering('192.0.2.1')])
  expect((await askUdp(port, question('example.com', 'A', { flags: 0 }))).rcode).toBe('REFUSED')
  expect(server?.queries).toEqual([])
})

test('names of ours stay with us, addresses that nobody here has do not', async () => {
  world.putNode(nodeOf('a', '10.0.0.1'))
  const [server] = await recursors([() => ({ flags: 3 })])
  expect((await askUdp(port, question('nope.service.mesh'))).rcode).toBe('NXDOMAIN')
  expect((await askUdp(port, question('1.0.0.10.in-addr.arpa', 'PTR'))).answers).toHaveLength(1)
  expect((await askUdp(port, question('2.0.0.10.in-addr.arpa', 'PTR'))).rcode).toBe('NXDOMAIN')
  expect(server?.queries).toEqual(['udp PTR 2.0.0.10.in-addr.arpa'])
})

test('two servers that ask each other make one question, not a storm', async () => {
  world.settings = {
    ...world.settings,
    recursors: [{ address: '127.0.0.1', port }],
    recursorTimeoutMs: 300,
  }
  expect((await askUdp(port, question('example.com'))).rcode).toBe('SERVFAIL')
  expect(world.metrics.counts.get('mesh_dns_recursions_total{outcome=failed}')).toBe(1)
})

test('clients who ask the same share one question', async () => {
  const [server] = await recursors([answering('192.0.2.1')])
  const asked = Array.from({ length: 20 }, (_, id) => {
    const bytes = question('example.com')
    bytes.writeUInt16BE(id, 0)
    return bytes
  })
  const answers = await askTcp(port, asked)
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(20)
  expect(server?.queries.length).toBeLessThan(20)
})

test('an alias is followed to its addresses', async () => {
  world.put({ node: 'x', name: 'ext', address: 'db.example.com' })
  await recursors([
    (query) => ({
      answers: [
        { type: 'CNAME', name: query.questions?.[0]?.name ?? '', ttl: 60, data: 'db-1.example.com' },
        address('db-1.example.com', '192.0.2.9'),
        { type: 'TXT', name: 'db-1.example.com', ttl: 60, data: 'not asked for' },
      ],
    }),
  ])
  const answer = await askUdp(port, question('ext.service.mesh', 'A', { edns: 1_232 }))
  expect(answer.answers?.map((record) => said([record])[0])).toEqual([
    'CNAME ext.service.mesh db.example.com',
    'CNAME db.example.com db-1.example.com',
    'A db-1.example.com 192.0.2.9',
  ])
})
