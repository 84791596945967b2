// Damaged datagrams and streams against whole members of a pool, in clear text and behind its own encryption, so that the
// damage reaches every layer: nothing throws, the member stays itself and can be joined, and the heap stays flat.
// MESH_FUZZ_GOSSIP sets how many (1,000,000 for the long run), MESH_FUZZ_SEED where it begins; a failure names its round.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { unwrap } from '../../src/model/errors.ts'
import { limits } from '../../src/model/limits.ts'
import { seal } from '../../src/wire/gossip/encryption.ts'
import { Keyring } from '../../src/wire/gossip/keyring.ts'
import { encodeMessage } from '../../src/wire/gossip/message.ts'
import { PacketCodec } from '../../src/wire/gossip/packet.ts'
import type { GossipSecurity } from '../../src/wire/gossip/security.ts'
import { encodeSerf } from '../../src/wire/gossip/serf-message.ts'
import { encodeSerfState } from '../../src/wire/gossip/serf-state.ts'
import { encodeStream } from '../../src/wire/gossip/stream.ts'
import { writeCompressed } from '../peers/lzw-writer.ts'
import { SeededRandom } from '../simulation/random.ts'
import { messages, pushPull, serfMessages, serfStates } from '../unit/gossip/vectors.ts'
import { alive, port, World } from '../unit/membership/pools.ts'

const inputs = Number(process.env['MESH_FUZZ_GOSSIP'] ?? 12_000)
const firstSeed = Number(process.env['MESH_FUZZ_SEED'] ?? 20_261_121)
/** A new pool after so many: what was learned from damaged claims is bounded by its members, not by the fuzzer. */
const inputsPerRound = 4_000
const heapTolerance = 2 * 1024 * 1024

const key = new Uint8Array(16).fill(7)
const clear: GossipSecurity = {
  label: '',
  keyring: unwrap(Keyring.from([])),
  verifiesIncoming: true,
  encryptsOutgoing: true,
  randomBytes: (length) => new Uint8Array(length),
}
const stranger = { address: '10.0.0.200', port }

/** Well-formed ones of every kind, without encryption. */
function originals(): { packets: readonly Uint8Array[]; streams: readonly Uint8Array[] } {
  const codec = new PacketCodec(clear)
  const all = Object.values(messages)
  const users = Object.values(serfMessages).map(
    (message) => ({ type: 'user', payload: encodeSerf(message) }) as const,
  )
  const every = [...all, ...users]
  const packets = [
    ...every.map(encodeMessage),
    ...every.map((message) => codec.encode([message])),
    codec.encode(all),
    codec.encode(users),
    writeCompressed(encodeMessage(all[0] ?? expect.fail())),
    writeCompressed(codec.encode(all)),
  ]
  const states = Object.values(serfStates).map((one) =>
    encodeStream({ ...pushPull, userState: encodeSerfState(one) }, clear),
  )
  const streams = [
    ...states,
    ...states.map(writeCompressed),
    encodeStream({ type: 'ping', sequence: 4, node: 'node-1', source: undefined }, clear),
    encodeStream({ type: 'user', payload: users[0]?.payload ?? expect.fail() }, clear),
    encodeStream({ type: 'error', text: 'no' }, clear),
  ]
  return { packets, streams }
}

function damaged(original: Uint8Array, random: SeededRandom): Uint8Array {
  let bytes = Buffer.from(original)
  for (let times = random.between(0, 4); times > 0; times -= 1) {
    const at = random.below(bytes.length + 1)
    const kind = random.below(6)
    if (kind === 0) bytes = bytes.subarray(0, at)
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(8), bytes.subarray(at)])
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    else if (kind === 3) bytes = Buffer.concat([bytes, bytes.subarray(at)]).subarray(0, 60_000)
    else if (at < bytes.length) {
      bytes = Buffer.from(bytes)
      // Heads of maps, lists and texts, and the largest numbers, do more harm than random bytes.
      bytes[at] = random.chance(0.5) ? random.below(256) : random.pick([0, 1, 0x80, 0xc0, 0xdd, 0xdf, 0xff])
    }
  }
  return bytes
}

function sealed(bytes: Uint8Array, random: SeededRandom, header: Uint8Array): Uint8Array {
  return seal(bytes, key, random.bytes(12), header)
}

function sealedStream(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const header = Buffer.from([10, 0, 0, 0, 0])
  header.writeUInt32BE(bytes.length + 29, 1)
  return Buffer.concat([header, sealed(bytes, random, header)])
}

function round(seed: number, count: number): void {
  const { packets, streams } = originals()
  const random = new SeededRandom(seed)
  const world = new World()
  const plain = world.open(1)
  const secret = world.open(2, { keys: [key] })
  const self = { address: '10.0.0.1', port }
  const secretSelf = { address: '10.0.0.2', port }
  for (let input = 0; input < count; input += 1) {
    if (random.chance(0.8)) {
      const packet = damaged(random.pick(packets), random)
      world.network.inject(packet, stranger, self)
      world.network.inject(sealed(packet, random, new Uint8Array(0)), stranger, secretSelf)
    } else {
      const bytes = damaged(random.pick(streams), random)
      const ignore = { onBytes: () => undefined, onEnd: () => undefined }
      const both = [
        [world.network.connect(stranger, self, ignore), bytes],
        [world.network.connect(stranger, secretSelf, ignore), sealedStream(bytes, random)],
      ] as const
      const cut = random.below(bytes.length + 1)
      for (const [stream, text] of both) {
        stream.write(text.subarray(0, cut))
        stream.write(text.subarray(cut))
        if (random.chance(0.5)) stream.end()
      }
    }
    world.clock.run(random.pick([0, 1, 5, 20]))
  }
  world.clock.run(5_000)
  for (const { pool } of [plain, secret]) expect(pool.members().length).toBeLessThan(limits.gossipMembers)
  expect(plain.pool.member('node-1')?.presence).toBe('alive')
  const guest = world.open(3)
  const secretGuest = world.open(4, { keys: [key] })
  world.join(guest, 1)
  world.join(secretGuest, 2)
  expect(alive(guest.pool)).toBeGreaterThanOrEqual(2)
  expect(alive(secretGuest.pool)).toBeGreaterThanOrEqual(2)
  for (const { pool } of [plain, secret, guest, secretGuest]) pool.close()
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

test(`${inputs} damaged datagrams and streams do a member no harm`, { timeout: 3_600_000 }, () => {
  const heaps: number[] = []
  for (let done = 0; done < inputs; done += inputsPerRound) {
    round(firstSeed + done, Math.min(inputsPerRound, inputs - done))
    heaps.push(heapBytes())
  }
  const third = Math.floor(heaps.length / 3)
  // The first round compiles and caches; with few rounds there is nothing to compare.
  if (third >= 5) {
    const grown = mean(heaps.slice(-third)) - mean(heaps.slice(1, third + 1))
    process.stderr.write(
      `gossip fuzz: heap grew by ${Math.round(grown / 1_024)} KiB in ${heaps.length} rounds\n`,
    )
    expect(grown).toBeLessThanOrEqual(heapTolerance)
  }
})
