// Not a test: how fast the store is at 200,000 services. `node test/unit/store/measure.ts [services]`

import type { Command } from '../../../src/model/command.ts'
import { logIndex } from '../../../src/model/ids.ts'
import { Machine } from '../../../src/server/apply/machine.ts'
import { Store } from '../../../src/server/store/store.ts'
import { emptyTree } from '../../../src/server/store/tree.ts'
import { TreeEdit } from '../../../src/server/store/tree-edit.ts'
import { encodeEnvelope } from '../../../src/wire/command.ts'
import { aCheck, aMemberCheck, aNode, aService, aSidecar, genesis, register } from './rows.ts'

const services = Number(process.argv[2] ?? 200_000)
const perNode = 40
const store = new Store()
const machine = new Machine(store)
let index = 0

function entry(command: Command): Uint8Array {
  const bytes = encodeEnvelope({ version: 1, principal: { kind: 'server', node: 's' }, atMs: 1, command })
  if (!bytes.ok) throw new Error(bytes.failure.message)
  return bytes.value
}

function timed<Value>(what: string, count: number, run: () => Value): Value {
  const start = performance.now()
  const value = run()
  const ms = performance.now() - start
  console.log(
    `${what}: ${ms.toFixed(1)} ms, ${Math.round((count / ms) * 1000).toLocaleString('en')} per second`,
  )
  return value
}

const plain = Array.from({ length: services }, (_, i) => `host-${i % 2_500}\u0000service-${i}\u0000`)
const filled = new TreeEdit(emptyTree<number>())
for (const key of plain) filled.set(key, 1)
let tree = filled.commit([])
timed(`tree of ${services} rows, one write per commit`, 100_000, () => {
  for (let i = 0; i < 100_000; i++) {
    const edit = new TreeEdit(tree)
    edit.set(plain[(i * 7_919) % services] ?? '', i)
    tree = edit.commit([])
  }
})

machine.apply(logIndex(++index), entry(genesis()))
const nodes = services / (2 * perNode)
const entries: Uint8Array[] = []
for (let n = 0; n < nodes; n++) {
  const node = `host-${String(n).padStart(5, '0')}`
  entries.push(entry(register(aNode(node), [], [aMemberCheck(node, 'passing')])))
  for (let s = 0; s < perNode; s++) {
    const name = `service-${(n * 7 + s) % 2_000}`
    entries.push(
      entry(
        register(
          node,
          [aService(name, { tags: ['v1'] }), aSidecar(name)],
          [aCheck(node, `service:${name}`, { serviceId: name })],
        ),
      ),
    )
  }
}
const bytesBefore = process.memoryUsage().heapUsed
timed(`register ${services} services, one entry per service with sidecar and check`, entries.length, () => {
  for (const bytes of entries) machine.apply(logIndex(++index), bytes)
})
const { services: rows } = store.view().tables
console.log(`rows: ${rows.size} services on ${store.view().tables.nodes.size} nodes`)
globalThis.gc?.()
console.log(`heap: ${Math.round((process.memoryUsage().heapUsed - bytesBefore) / 1e6)} MB more`)

const some = Array.from({ length: 20_000 }, (_, i) => {
  const node = `host-${String(i % nodes).padStart(5, '0')}`
  const name = `service-${((i % nodes) * 7 + (i % perNode)) % 2_000}`
  return { node, name }
})
const updates = some.map(({ node, name }, i) => entry(register(node, [aService(name, { port: i })])))
timed('change one service per entry', updates.length, () => {
  for (const bytes of updates) machine.apply(logIndex(++index), bytes)
})
timed('register one service again without a change', updates.length, () => {
  for (const bytes of updates.slice(-1_000))
    for (let i = 0; i < 20; i++) machine.apply(logIndex(++index), bytes)
})
const flips = some
  .slice(0, 2_000)
  .map(({ node }) => entry(register(node, [], [aMemberCheck(node, 'critical')])))
timed(`a host fails (touches ${2 * perNode} instances)`, flips.length, () => {
  for (const bytes of flips) machine.apply(logIndex(++index), bytes)
})
let read = 0
timed('scan rows of all services', rows.size, () => {
  for (const placed of rows.scan()) if (placed.service.port >= 0) read++
})
timed('join instances of all services with node and checks', rows.size, () => {
  for (const name of store.view().serviceNames())
    for (const one of store.view().instances(name)) read += one.checks.length
})
let longest = 0
const pieces: Uint8Array[] = []
timed('snapshot', rows.size, () => {
  const reader = machine.snapshot()
  for (;;) {
    const start = performance.now()
    const piece = reader.next()
    longest = Math.max(longest, performance.now() - start)
    if (piece === undefined) break
    pieces.push(piece)
  }
})
console.log(`${pieces.length} pieces, longest slice ${longest.toFixed(1)} ms`)
longest = 0
const other = new Store()
timed('restore', rows.size, () => {
  const writer = new Machine(other).restore(logIndex(index))
  for (const piece of pieces) {
    const start = performance.now()
    writer.write(piece)
    longest = Math.max(longest, performance.now() - start)
  }
  if (!writer.finish().ok) throw new Error('not restored')
})
console.log(`longest slice ${longest.toFixed(1)} ms`)
const hash = timed('hash', rows.size, () => machine.hash())
console.log(hash === new Machine(other).hash() ? 'hashes agree' : 'HASHES DIFFER', read)
