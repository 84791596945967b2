// Damaged DNS packets through the whole way of a query: nothing throws, nothing hangs, every answer can be read by somebody
// else and is as large as the client takes. FUZZ_DNS_PACKETS=1000000 runs a million; packets come from a seed that a failure names.
import dnsPacket from 'dns-packet'
import { expect, test } from 'vitest'
import { DnsWorld, question } from '../unit/dns/world.ts'

const packets = Number(process.env['FUZZ_DNS_PACKETS'] ?? 60_000)

/** mulberry32: 32 bits of state, good enough to vary inputs. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Random = (below: number) => number

const names = [
  'web.service.mesh',
  'v1.web.service.dc1.consul',
  '_web._tcp.service.mesh',
  'a.node.mesh',
  '0a010203.addr.dc1.mesh',
  'web.virtual.mesh',
  'web.connect.mesh',
  'mesh',
  'ns.mesh',
  'ext.service.mesh',
  '1.0.0.10.in-addr.arpa',
  `${'a.0.'.repeat(16)}ip6.arpa`,
  'example.com',
  `${'x'.repeat(63)}.${'y'.repeat(63)}.${'z'.repeat(63)}.service.mesh`,
]
const types = ['A', 'AAAA', 'SRV', 'TXT', 'ANY', 'PTR', 'SOA', 'NS', 'CNAME', 'AXFR'] as const

const seeds: readonly Buffer[] = names.flatMap((name) =>
  types.flatMap((type) => [question(name, type), question(name, type, { edns: 1_232 })]),
)

function world(): DnsWorld {
  const made = new DnsWorld()
  for (let n = 0; n < 40; n++)
    made.put({
      node: `n${n}`,
      nodeAddress: `10.0.0.${n}`,
      name: 'web',
      tags: ['v1'],
      nodeMeta: { os: 'linux' },
    })
  made.put({ node: 'a', name: 'ext', address: 'web.service.mesh' })
  made.put({ node: 'six', nodeAddress: 'fd00::1', name: 'web', virtualAddress: '240.0.0.1' })
  return made
}

function mutated(random: Random): Buffer {
  const seed = seeds[random(seeds.length)] ?? Buffer.alloc(0)
  let bytes = Buffer.from(seed)
  const times = random(5)
  for (let n = 0; n < times; n++) {
    const at = random(Math.max(1, bytes.length))
    switch (random(7)) {
      case 0:
        bytes[at] = random(256)
        break
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
        break
      case 2:
        bytes = bytes.subarray(0, at)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))])
        break
      case 4: {
        const other = seeds[random(seeds.length)] ?? bytes
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length))])
        break
      }
      case 5:
        // A pointer, to anywhere.
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([0xc0 | random(64), random(256)]),
          bytes.subarray(at),
        ])
        break
      default:
        if (bytes.length > 12)
          bytes.writeUInt16BE(random(8) === 0 ? random(65_536) : random(3), 4 + 2 * random(4))
    }
  }
  return bytes
}

test(`${packets} damaged packets are answered or refused, and never believed`, () => {
  const seed = 20_261_121
  const random = seeded(seed)
  const dns = world()
  let answered = 0
  for (let n = 0; n < packets; n++) {
    const bytes = mutated(random)
    const transport = random(4) === 0 ? 'tcp' : 'udp'
    const shown = `seed ${seed}, packet ${n}, ${transport}: ${bytes.toString('hex')}`
    let answer: Uint8Array | undefined
    try {
      answer = dns.askRaw(bytes, transport)
      if (answer !== undefined) dnsPacket.decode(Buffer.from(answer))
    } catch (error) {
      throw new Error(shown, { cause: error })
    }
    if (answer === undefined) continue
    answered += 1
    if (answer.length > (transport === 'udp' ? 4_096 : 65_535)) throw new Error(`${shown}: too large`)
    if (answer[0] !== bytes[0] || answer[1] !== bytes[1] || ((answer[2] ?? 0) & 0x80) === 0)
      throw new Error(`${shown}: not an answer to this query`)
  }
  expect(dns.metrics.counts.get('mesh_dns_refusals_total{code=dns-internal}')).toBeUndefined()
  expect(dns.log.at('error')).toEqual([])
  expect(answered).toBeGreaterThan(packets / 2)
}, 1_800_000)
