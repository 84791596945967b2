// Sessions and locks as one would write them down on paper: plain maps and loops, no trees, no indexes. What the server does is
// compared with it. And random commands that reach every way in which a session can end.
import fc from 'fast-check'
import type { Command } from '../../src/model/command.ts'
import type { TxnOperation } from '../../src/model/txn.ts'
import { create, destroy, kvOperation, lock, sessionId, unlock } from '../unit/locks/locking.ts'
import { aCheck, aNode, register } from '../unit/store/rows.ts'

export interface Step {
  readonly afterMs: number
  readonly command: Command
}

type Outcome = 'done' | 'unchanged' | 'failed'

interface Held {
  value: string
  session: string
  lockIndex: number
}

interface Alive {
  readonly node: string
  readonly checks: readonly string[]
  readonly isDelete: boolean
  readonly delayMs: number
}

export class NaiveLocks {
  nodes = new Map<string, Map<string, string>>()
  sessions = new Map<string, Alive>()
  keys = new Map<string, Held>()
  delays = new Map<string, number>()
  nowMs = 0

  run(command: Command): Outcome {
    switch (command.type) {
      case 'catalog.register':
        return this.#register(command)
      case 'catalog.deregister':
        return this.#deregister(command.node, command.checkId)
      case 'session.create':
        return this.#create(command)
      case 'session.destroy':
        return this.#end(command.id) ? 'done' : 'unchanged'
      case 'kv.set':
        this.#write(command.key, command.value)
        return 'done'
      case 'kv.lock':
        return this.#lock(command.key, command.value, command.session)
      case 'kv.unlock':
        return this.#unlock(command.key, command.value, command.session)
      case 'kv.delete':
        return this.#delete(command.key, command.recurse) ? 'done' : 'unchanged'
      case 'txn':
        return this.#txn(command.operations)
      default:
        throw new Error(command.type)
    }
  }

  #register({ node, checks }: Extract<Command, { type: 'catalog.register' }>): Outcome {
    const name = typeof node === 'string' ? node : node.name
    if (typeof node === 'string' && !this.nodes.has(name)) return 'failed'
    const known = this.nodes.get(name) ?? new Map<string, string>()
    this.nodes.set(name, known)
    for (const { checkId, status } of checks) {
      const before = known.get(checkId)
      known.set(checkId, status)
      if (status === 'critical' && before !== status) this.#endWhere(name, checkId)
    }
    return 'done'
  }

  #deregister(node: string, checkId: string | undefined): Outcome {
    const known = this.nodes.get(node)
    if (known === undefined) return 'unchanged'
    if (checkId !== undefined) {
      if (!known.delete(checkId)) return 'unchanged'
      this.#endWhere(node, checkId)
      return 'done'
    }
    this.nodes.delete(node)
    for (const [id, session] of [...this.sessions]) if (session.node === node) this.#end(id)
    return 'done'
  }

  #endWhere(node: string, checkId: string): void {
    for (const [id, session] of [...this.sessions])
      if (session.node === node && session.checks.includes(checkId)) this.#end(id)
  }

  #create({ session }: Extract<Command, { type: 'session.create' }>): Outcome {
    const { id, node, nodeChecks, behavior, lockDelayMs } = session
    const checks = this.nodes.get(node)
    const alive = { node, checks: nodeChecks, isDelete: behavior === 'delete', delayMs: lockDelayMs }
    const before = this.sessions.get(id)
    if (before !== undefined) return JSON.stringify(before) === JSON.stringify(alive) ? 'done' : 'failed'
    if (checks === undefined) return 'failed'
    for (const check of nodeChecks) if ((checks.get(check) ?? 'critical') === 'critical') return 'failed'
    this.sessions.set(id, alive)
    return 'done'
  }

  #end(id: string): boolean {
    const session = this.sessions.get(id)
    if (session === undefined) return false
    this.sessions.delete(id)
    for (const [key, held] of [...this.keys]) {
      if (held.session !== id) continue
      if (session.isDelete) this.keys.delete(key)
      else this.keys.set(key, { ...held, session: '' })
      if (session.delayMs > 0) this.delays.set(key, this.nowMs + session.delayMs)
    }
    return true
  }

  #write(key: string, value: string, more: Partial<Held> = {}): void {
    this.keys.set(key, { ...(this.keys.get(key) ?? { session: '', lockIndex: 0 }), value, ...more })
  }

  #lock(key: string, value: string, session: string): Outcome {
    if (!this.sessions.has(session)) return 'failed'
    const held = this.keys.get(key)
    if (held?.session === session) {
      this.#write(key, value)
      return 'done'
    }
    if ((held?.session ?? '') !== '' || (this.delays.get(key) ?? 0) > this.nowMs) return 'unchanged'
    this.#write(key, value, { session, lockIndex: (held?.lockIndex ?? 0) + 1 })
    return 'done'
  }

  #unlock(key: string, value: string, session: string): Outcome {
    if (this.keys.get(key)?.session !== session) return 'unchanged'
    this.#write(key, value, { session: '' })
    return 'done'
  }

  #delete(key: string, isBelow: boolean): boolean {
    const gone = [...this.keys.keys()].filter((each) => (isBelow ? each.startsWith(key) : each === key))
    for (const each of gone) this.keys.delete(each)
    return gone.length > 0
  }

  #txn(operations: readonly TxnOperation[]): Outcome {
    const before = [this.keys, this.delays, this.sessions] as const
    this.keys = new Map(this.keys)
    for (const operation of operations) {
      if (operation.kind !== 'kv') throw new Error(operation.kind)
      const { verb, key, value, session } = operation
      let outcome: Outcome = 'done'
      if (verb === 'set') this.#write(key, value)
      else if (verb === 'lock') outcome = this.#lock(key, value, session)
      else if (verb === 'unlock') outcome = this.#unlock(key, value, session)
      else if (verb === 'check-session')
        outcome = this.keys.has(key) && this.keys.get(key)?.session === session ? 'done' : 'failed'
      else this.#delete(key, verb === 'delete-tree')
      if (outcome === 'done') continue
      ;[this.keys, this.delays, this.sessions] = before
      return 'failed'
    }
    return 'done'
  }
}

const node = fc.constantFrom('n1', 'n2')
const check = fc.constantFrom('c1', 'c2')
const number = fc.integer({ min: 1, max: 4 })
const key = fc.constantFrom('a', 'a/b', 'a/c', 'b')
const text = fc.constantFrom('', 'x', 'y')
const value = text.map((each) => Buffer.from(each).toString('base64'))

const catalog = fc.oneof(
  node.map((name): Command => register(aNode(name))),
  {
    weight: 4,
    arbitrary: fc
      .record({
        node,
        check,
        status: fc.constantFrom('passing' as const, 'warning' as const, 'critical' as const),
      })
      .map((one): Command => register(one.node, [], [aCheck(one.node, one.check, { status: one.status })])),
  },
  fc
    .record({ node, check })
    .map((one): Command => ({ type: 'catalog.deregister', node: one.node, checkId: one.check })),
  node.map((name): Command => ({ type: 'catalog.deregister', node: name })),
)

const session = fc
  .record({
    number,
    node,
    nodeChecks: fc.subarray(['c1', 'c2']),
    behavior: fc.constantFrom('release' as const, 'delete' as const),
    lockDelayMs: fc.constantFrom(0, 5_000),
  })
  .map(({ number: n, ...one }): Command => create(n, one))

const operation = fc.oneof(
  fc
    .record({
      verb: fc.constantFrom('lock' as const, 'unlock' as const, 'check-session' as const),
      key,
      number,
      value,
    })
    .map((one) => kvOperation(one.verb, one.key, { value: one.value, session: sessionId(one.number) })),
  fc
    .record({ verb: fc.constantFrom('set' as const, 'delete' as const, 'delete-tree' as const), key, value })
    .map((one) => kvOperation(one.verb, one.key, { value: one.value })),
)

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: catalog },
  { weight: 5, arbitrary: session },
  { weight: 1, arbitrary: number.map(destroy) },
  { weight: 6, arbitrary: fc.tuple(key, number, text).map((one): Command => lock(...one)) },
  { weight: 2, arbitrary: fc.tuple(key, number, text).map((one): Command => unlock(...one)) },
  {
    weight: 1,
    arbitrary: fc.record({ key, value }).map((one): Command => ({ type: 'kv.set', flags: '0', ...one })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ key, recurse: fc.boolean() })
      .map((one): Command => ({ type: 'kv.delete', ...one })),
  },
  {
    weight: 3,
    arbitrary: fc
      .array(operation, { minLength: 1, maxLength: 3 })
      .map((operations): Command => ({ type: 'txn', operations })),
  },
)

/** Begins with what makes sessions possible, or most of them would be refused. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(fc.record({ afterMs: fc.constantFrom(0, 0, 1_000, 3_000), command }), { maxLength: 50, size: '+1' })
  .map((random) => [
    ...['n1', 'n2'].map((name) => ({
      afterMs: 0,
      command: register(aNode(name), [], [aCheck(name, 'c1'), aCheck(name, 'c2')]),
    })),
    ...random,
  ])
