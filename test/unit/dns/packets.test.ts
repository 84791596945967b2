// What a packet looks like: sizes, order, TTLs, header bits, refusals.
import dnsPacket from 'dns-packet'
import { expect, test } from 'vitest'
import { DnsWorld, decoded, question, said } from './world.ts'

function manyInstances(
  count: number,
  more: { readonly meta?: Readonly<Record<string, string>> } = {},
): DnsWorld {
  const world = new DnsWorld()
  for (let n = 0; n < count; n++)
    world.put({
      node: `node-${n}`,
      nodeAddress: `10.0.${n >> 8}.${n & 255}`,
      name: 'web',
      nodeMeta: more.meta ?? {},
    })
  return world
}

const targets = (packet: dnsPacket.DecodedPacket | undefined): readonly string[] =>
  (packet?.answers ?? []).map((record) => said([record])[0] ?? '')

test('a client without EDNS gets a few records in 512 bytes, one with EDNS as many as it takes', () => {
  const world = manyInstances(100)
  expect(world.ask('web.service.mesh', 'A')?.answers).toHaveLength(3)
  for (const edns of [512, 1_232, 4_096, 65_535]) {
    const bytes = world.askRaw(question('web.service.mesh', 'SRV', { edns })) ?? new Uint8Array()
    expect(bytes.length).toBeLessThanOrEqual(Math.min(edns, 4_096))
    const packet = decoded(bytes)
    const hosts = new Set(packet.answers?.map((record) => (record.type === 'SRV' ? record.data.target : '')))
    for (const extra of packet.additionals ?? []) if (extra.type === 'A') expect(hosts).toContain(extra.name)
    expect(packet.flag_tc).toBe(false)
  }
  expect(world.ask('web.service.mesh', 'A', { edns: 4_096 })?.answers).toHaveLength(100)
})

test('over TCP everything is told, to the last address', () => {
  const world = manyInstances(1_000)
  expect(world.ask('web.service.mesh', 'SRV', { tcp: true })?.answers).toHaveLength(1_000)
  expect(world.ask('web.service.mesh', 'SRV', { tcp: true })?.additionals).toHaveLength(1_000)
})

test('an answer that outgrows TCP is cut to what fits', () => {
  const world = manyInstances(3_000)
  const bytes = world.askRaw(question('web.service.mesh', 'SRV'), 'tcp') ?? new Uint8Array()
  expect(bytes.length).toBeGreaterThan(50_000)
  const packet = decoded(bytes)
  expect(packet.answers?.length).toBeGreaterThan(1_000)
})

test('a cut answer says so where the configuration asks for it', () => {
  const world = manyInstances(100)
  world.settings = { ...world.settings, enableTruncate: true }
  expect(world.ask('web.service.mesh', 'A')?.flag_tc).toBe(true)
  expect(world.ask('web.service.mesh', 'SRV', { edns: 512 })?.flag_tc).toBe(true)
  expect(world.ask('web.service.mesh', 'A', { edns: 4_096 })?.flag_tc).toBe(false)
  expect(world.ask('web.service.mesh', 'A', { tcp: true })?.flag_tc).toBe(false)
})

test('limits of answers are those of the configuration', () => {
  const world = manyInstances(20)
  world.settings = { ...world.settings, udpAnswerLimit: 5, addressLimit: 7 }
  expect(world.ask('web.service.mesh', 'A')?.answers).toHaveLength(5)
  expect(world.ask('web.service.mesh', 'A', { edns: 4_096 })?.answers).toHaveLength(7)
  expect(world.ask('web.service.mesh', 'A', { tcp: true })?.answers).toHaveLength(7)
  expect(world.ask('web.service.mesh', 'SRV', { tcp: true })?.answers).toHaveLength(20)
})

test('labels make room for addresses, and addresses for nothing', () => {
  const meta = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key-${n}`, 'v'.repeat(60)]))
  const world = manyInstances(3, { meta })
  const packet = world.ask('web.service.mesh', 'SRV', { edns: 512 })
  expect(packet?.answers).toHaveLength(3)
  expect(said(packet?.additionals).map((text) => text.split(' ')[0])).toEqual(['A', 'A', 'A'])
})

test('names are written once, unless the configuration wants them whole', () => {
  const world = manyInstances(5)
  const compressed = world.askRaw(question('WEB.service.mesh', 'SRV', { edns: 4_096 }))
  world.settings = { ...world.settings, disableCompression: true }
  world.dns.settingsChanged()
  const whole = world.askRaw(question('WEB.service.mesh', 'SRV', { edns: 4_096 }))
  expect(whole?.length).toBeGreaterThan((compressed?.length ?? 0) * 1.5)
  const packet = decoded(whole)
  expect(packet.answers?.map((record) => record.name)).toEqual(Array(5).fill('WEB.service.mesh'))
  expect(world.ask('web.service.mesh', 'SRV', { edns: 4_096 })?.answers?.[0]?.name).toBe('web.service.mesh')
})

test('every order of the answers comes about equally often, also from memory', () => {
  const world = manyInstances(3)
  const seen = new Map<string, number>()
  for (let n = 0; n < 6_000; n++) {
    const order = targets(world.ask('web.service.mesh', 'A')).join()
    seen.set(order, (seen.get(order) ?? 0) + 1)
  }
  expect(seen.size).toBe(6)
  for (const times of seen.values()) expect(times).toBeGreaterThan(600)
})

test('TTLs follow the most exact pattern', () => {
  const world = new DnsWorld()
  world.settings = {
    ...world.settings,
    nodeTtlSeconds: 7,
    serviceTtlSeconds: { '*': 1, 'web*': 2, 'web-a*': 3, 'web-api': 4 },
  }
  for (const name of ['db', 'web-x', 'web-admin', 'web-api']) world.put({ node: 'a', name })
  const ttlOf = (name: string): number | undefined => {
    const record = world.ask(name)?.answers?.[0]
    return record?.type === 'A' ? record.ttl : undefined
  }
  expect(ttlOf('db.service.mesh')).toBe(1)
  expect(ttlOf('web-x.service.mesh')).toBe(2)
  expect(ttlOf('web-admin.service.mesh')).toBe(3)
  expect(ttlOf('web-api.service.mesh')).toBe(4)
  expect(ttlOf('a.node.mesh')).toBe(7)
})

test('the SOA record is as the configuration says', () => {
  const world = new DnsWorld()
  world.settings = {
    ...world.settings,
    soa: { refreshSeconds: 1, retrySeconds: 2, expireSeconds: 3, minimumSeconds: 4 },
  }
  const [record] = world.ask('nope.service.mesh')?.authorities ?? []
  expect(record).toMatchObject({ ttl: 4, data: { refresh: 1, retry: 2, expire: 3, minimum: 4 } })
})

test.each([
  ['of another class', withClass(question('web.service.mesh'), 3), 'REFUSED', 'dns-class'],
  ['outside of our domains', question('example.com'), 'REFUSED', 'dns-outside-domain'],
  ['for a transfer', question('mesh', 'AXFR'), 'NOTIMP', 'dns-zone-transfer'],
  ['that is an update', withOpcode(question('mesh'), 5), 'NOTIMP', 'dns-not-a-query'],
  ['with two questions', twoQuestions(), 'FORMERR', 'dns-malformed'],
  ['that is cut off', question('web.service.mesh').subarray(0, 20), 'FORMERR', 'dns-malformed'],
  ['with a pointer in its question', pointerQuestion(), 'FORMERR', 'dns-malformed'],
])('a query %s is refused with a reason', (_, bytes, rcode, reason) => {
  const world = new DnsWorld()
  const answer = decoded(world.askRaw(bytes))
  expect(answer.rcode).toBe(rcode)
  expect(answer.id).toBe(4711)
  expect((answer.flags ?? 0) & 0x7800).toBe(bytes.readUInt16BE(2) & 0x7800)
  expect(world.metrics.counts.get(`mesh_dns_refusals_total{code=${reason}}`)).toBe(1)
  expect(world.log.at('warn')[0]).toContain(reason)
})

test('a newer EDNS is told which version we speak', () => {
  const bytes = question('web.service.mesh', 'A', { edns: 1_232 })
  bytes[bytes.length - 5] = 1
  const answer = decoded(new DnsWorld().askRaw(bytes))
  const opt = answer.additionals?.find((record) => record.type === 'OPT')
  expect(opt).toMatchObject({ extendedRcode: 1, ednsVersion: 0 })
})

test('a fault of our own costs one answer, and is told to the operator', () => {
  const world = new DnsWorld()
  const { view } = world.options.views
  Object.assign(world.options.views, {
    view: () => {
      throw new Error('broken')
    },
  })
  expect(world.ask('web.service.mesh')?.rcode).toBe('SERVFAIL')
  expect(world.log.at('error')[0]).toContain('broken')
  Object.assign(world.options.views, { view })
  expect(world.ask('web.service.mesh')?.rcode).toBe('NXDOMAIN')
})

test('what is no query gets no answer', () => {
  const response = question('web.service.mesh')
  response[2] = (response[2] ?? 0) | 0x80
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(11), response])
    expect(new DnsWorld().askRaw(bytes)).toBeUndefined()
})

test('refusals are logged a few times a second, and all are counted', () => {
  const world = new DnsWorld()
  for (let n = 0; n < 500; n++) world.ask(`x${n}.example.com`)
  expect(world.metrics.counts.get('mesh_dns_refusals_total{code=dns-outside-domain}')).toBe(500)
  expect(world.log.at('warn').length).toBeLessThan(60)
})

test('queries are counted by type and result, from memory too', () => {
  const world = manyInstances(1)
  for (let n = 0; n < 10; n++) world.ask('web.service.mesh', 'A')
  world.ask('nope.service.mesh', 'SRV')
  world.clock.run(2_000)
  expect(world.metrics.counts.get('mesh_dns_queries_total{rcode=NOERROR,type=A}')).toBe(10)
  expect(world.metrics.counts.get('mesh_dns_queries_total{rcode=NXDOMAIN,type=SRV}')).toBe(1)
})

test('an answer from memory has the number, letters and bits of its own question', () => {
  const world = manyInstances(1)
  const first = question('web.service.mesh', 'SRV', { edns: 1_232 })
  world.askRaw(first)
  const second = Buffer.from(
    question('WEB.service.mesh', 'SRV', { edns: 1_232, flags: dnsPacket.CHECKING_DISABLED }),
  )
  second.writeUInt16BE(99, 0)
  second[second.length - 4] = 0x80
  const before = world.reads.length
  const answer = decoded(world.askRaw(second))
  expect(world.reads.length).toBe(before)
  expect(answer).toMatchObject({ id: 99, flag_rd: false, flag_cd: true, flag_aa: true, flag_ra: false })
  expect(answer.questions?.[0]?.name).toBe('WEB.service.mesh')
  expect(answer.answers?.[0]?.name).toBe('WEB.service.mesh')
  expect(answer.additionals?.find((record) => record.type === 'OPT')).toMatchObject({ flag_do: true })
})

function withClass(bytes: Buffer, value: number): Buffer {
  bytes.writeUInt16BE(value, bytes.length - 2)
  return bytes
}

function withOpcode(bytes: Buffer, opcode: number): Buffer {
  bytes[2] = opcode << 3
  return bytes
}

function twoQuestions(): Buffer {
  const bytes = Buffer.concat([question('mesh'), question('mesh').subarray(12)])
  bytes.writeUInt16BE(2, 4)
  return bytes
}

function pointerQuestion(): Buffer {
  return Buffer.concat([question('mesh').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])
}
