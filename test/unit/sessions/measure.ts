// Not a test: what a change costs that concerns every agent. `node --expose-gc test/unit/sessions/measure.ts [agents] [subscriptions]`
import type { AgentFrame, FrameStream, ServerFrame } from '../../../src/rpc/contract.ts'
import { aNode, aService, genesis, intention, register } from '../store/rows.ts'
import { asHost, TestServer } from '../store/server.ts'

const agents = Number(process.argv[2] ?? 5_000)
const subscriptions = Number(process.argv[3] ?? 40)
const server = new TestServer()
server.applied(genesis())
let frames = 0

class Sink implements FrameStream<ServerFrame, AgentFrame> {
  onFrame: (frame: AgentFrame) => void = () => undefined
  send(): void {
    frames++
  }
  queuedBytes(): number {
    return 0
  }
  end(): void {
    // Nothing is queued.
  }
  destroy(): void {
    // Nothing is queued.
  }
  listen(listener: { readonly onFrame: (frame: AgentFrame) => void }): void {
    this.onFrame = listener.onFrame
  }
}

function timed(what: string, run: () => void): void {
  frames = 0
  const start = performance.now()
  run()
  server.clock.run(1)
  const ms = performance.now() - start
  console.log(`${what}: ${ms.toFixed(0)} ms, ${frames} frames, ${((ms / frames) * 1_000).toFixed(2)} us each`)
}

globalThis.gc?.()
const before = process.memoryUsage().heapUsed
timed(`${agents} agents connect with ${subscriptions} subscriptions each`, () => {
  for (let a = 0; a < agents; a++) {
    const sink = new Sink()
    server.hub.open(asHost(`n${a}`), sink)
    sink.onFrame({
      kind: 'hello',
      node: `n${a}`,
      nodeId: `id-of-n${a}`,
      version: '',
      minVersion: 1,
      maxVersion: 1,
    })
    for (let s = 0; s < subscriptions; s++) {
      const key = `service-${(a * 7 + s) % 2_000}`
      sink.onFrame({
        kind: 'subscribe',
        subject: { topic: s % 2 === 0 ? 'intentions' : 'mesh-health', key },
        cursor: 0,
      })
    }
  }
})
globalThis.gc?.()
console.log(`${Math.round((process.memoryUsage().heapUsed - before) / agents / 1_000)} KB per agent`)
timed('an intention for every destination', () => server.applied(intention('web', '*', 'deny')))
timed('an intention for one destination', () => server.applied(intention('web', 'service-14', 'deny')))
timed('a service changes', () =>
  server.applied(register(aNode('n1'), [aService('service-15', { connectNative: true })])),
)
