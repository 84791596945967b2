// Which agents a server sends on to others, and which it keeps.
import { expect, test } from 'vitest'
import { nodeId } from '../../../src/model/ids.ts'
import { limits } from '../../../src/model/limits.ts'
import { Spreading } from '../../../src/server/sessions/spreading.ts'
import { genesis } from '../store/rows.ts'
import { silentLog, type TestAgent, TestServer } from '../store/server.ts'

class Spread extends TestServer {
  others = [nodeId('b'), nodeId('c')]
  readonly spreading = new Spreading({
    hub: this.hub,
    consensus: this.consensus,
    others: () => this.others,
    isHeard: () => true,
    addresses: () => ['a:8300'],
    clock: this.clock,
    log: silentLog,
  })
  readonly agents: TestAgent[] = []

  constructor(agents: number) {
    super()
    this.applied(genesis())
    for (let n = 0; n < agents; n += 1) this.agents.push(this.join(`n${n}`))
    this.clock.run(10)
  }

  /** An agent that shows now and then that it is alive. */
  join(node: string): TestAgent {
    const agent = this.connect(node)
    const ping = (): void => {
      if (agent.closed) return
      agent.send({ kind: 'ping', nonce: 1 })
      this.clock.after(limits.controlPingEveryMs, ping)
    }
    ping()
    return agent
  }

  elsewhere(server: string, agents: number): void {
    for (let n = 0; n < agents; n += 1) this.hub.whereabouts.arrived(`${server}${n}`, nodeId(server))
  }

  get gone(): number {
    return this.agents.filter(({ closed }) => closed).length
  }
}

test('a server without a leader sends its agents on, once it is no mere election', () => {
  const server = new Spread(200)
  server.consensus.setLeading(false)
  server.clock.run(limits.leaderlessMs - limits.spreadEveryMs)
  expect(server.gone).toBe(0)
  server.clock.run(2 * limits.spreadEveryMs)
  expect(server.gone).toBeGreaterThan(0)
  expect(server.gone, 'not all at once').toBeLessThan(200)
  server.clock.run(20_000)
  expect(server.gone).toBe(200)
  expect(server.agents[0]?.take().at(-1)).toMatchObject({ kind: 'goaway', reason: { code: 'no-leader' } })
})

test('an agent that found nothing better may come back and stay for a while', () => {
  const server = new Spread(1)
  server.consensus.setLeading(false)
  server.clock.run(20_000)
  const again = server.join('n0')
  server.clock.run(limits.leaderlessStayMs - 1_000)
  expect(again.closed).toBe(false)
  server.clock.run(2_000)
  expect(again.closed).toBe(true)
})

test('the only server keeps its agents, whatever happens', () => {
  const server = new Spread(100)
  server.others = []
  server.consensus.setLeading(false)
  server.clock.run(600_000)
  expect(server.gone).toBe(0)
})

test('a server with far more than its share gives agents away slowly, until it is about even', () => {
  const server = new Spread(300)
  server.elsewhere('b', 300)
  server.clock.run(2 * limits.balanceEveryMs + limits.spreadEveryMs)
  expect(server.gone).toBeGreaterThan(0)
  expect(server.gone).toBeLessThan(20)
  server.clock.run(100 * limits.balanceEveryMs)
  const kept = 300 - server.gone
  expect(kept).toBeGreaterThanOrEqual(200)
  expect(kept).toBeLessThanOrEqual(200 * limits.shareTolerated + limits.agentsSentAwayAtLeast)
})

test('a few agents more than others have are no reason', () => {
  const server = new Spread(115)
  server.elsewhere('b', 100)
  server.elsewhere('c', 100)
  server.clock.run(20 * limits.balanceEveryMs)
  expect(server.gone).toBe(0)
})
