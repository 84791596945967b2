import fc from 'fast-check'
import { expect, test } from 'vitest'
import { check, type Operation } from '../../linearizability/checker.ts'
import { type RegisterInput, type RegisterOutput, register } from '../../linearizability/register.ts'

type Op = Operation<RegisterInput, RegisterOutput>

const read = (client: number, calledAt: number, returnedAt: number, value: string | null): Op => ({
  client,
  input: { kind: 'read' },
  output: { kind: 'value', value },
  calledAt,
  returnedAt,
})
const write = (client: number, calledAt: number, returnedAt: number, value: string): Op => ({
  client,
  input: { kind: 'write', value },
  output: returnedAt === Number.POSITIVE_INFINITY ? undefined : { kind: 'done' },
  calledAt,
  returnedAt,
})

test('a read after a finished write must see it', () => {
  expect(check(register, [write(1, 0, 1, 'a'), read(2, 2, 3, 'a')]).linearizable).toBe(true)
  const verdict = check(register, [write(1, 0, 1, 'a'), read(2, 2, 3, null)])
  expect(verdict.linearizable).toBe(false)
})

test('a read beside a write may see either value', () => {
  for (const value of ['a', null])
    expect(check(register, [write(1, 0, 10, 'a'), read(2, 2, 3, value)]).linearizable).toBe(true)
})

test('two reads may not see a write and then its absence', () => {
  const history = [write(1, 0, 10, 'a'), read(2, 1, 2, 'a'), read(2, 3, 4, null)]
  expect(check(register, history).linearizable).toBe(false)
})

test('a write of unknown outcome may take effect late, or never', () => {
  const unknown = write(1, 0, Number.POSITIVE_INFINITY, 'a')
  expect(check(register, [unknown, read(2, 1, 2, null), read(2, 3, 4, 'a')]).linearizable).toBe(true)
  expect(check(register, [unknown, read(2, 1, 2, null)]).linearizable).toBe(true)
  const backAndForth = [unknown, read(2, 1, 2, 'a'), read(2, 3, 4, null)]
  expect(check(register, backAndForth).linearizable).toBe(false)
})

test('a search that takes too long is given up, and says so', () => {
  const concurrent = Array.from({ length: 12 }, (_, at) => write(at, 0, 100, `value ${at}`))
  const history = [...concurrent, read(99, 101, 102, 'another')]
  const verdict = check(register, history, 50)
  expect(verdict).toMatchObject({ linearizable: false, isUndecided: true })
  expect(check(register, history.slice(-3))).toMatchObject({ linearizable: false, isUndecided: false })
})

/** A history that a real register produced: effects at random instants inside each operation's interval. */
function genuine(
  seeds: readonly { client: number; kind: number; gap: number; span: number; at: number }[],
): Op[] {
  const clock = new Map<number, number>()
  const plans = seeds.map((seed, i) => {
    const calledAt = (clock.get(seed.client) ?? 0) + seed.gap + 1
    const returnedAt = calledAt + seed.span + 1
    clock.set(seed.client, returnedAt)
    return { seed, i, calledAt, returnedAt, effectAt: calledAt + seed.at * (returnedAt - calledAt) }
  })
  plans.sort((a, b) => a.effectAt - b.effectAt || a.i - b.i)
  let state: string | null = null
  return plans.map(({ seed, i, calledAt, returnedAt }): Op => {
    const base = { client: seed.client, calledAt, returnedAt }
    if (seed.kind === 0) return { ...base, input: { kind: 'read' }, output: { kind: 'value', value: state } }
    if (seed.kind === 1) {
      state = String(i)
      return { ...base, input: { kind: 'write', value: state }, output: { kind: 'done' } }
    }
    if (seed.kind === 2) {
      state = null
      return { ...base, input: { kind: 'delete' }, output: { kind: 'done' } }
    }
    const expected = i % 2 === 0 ? state : 'never'
    const swapped = state === expected
    if (swapped) state = `c${i}`
    return { ...base, input: { kind: 'cas', expected, value: `c${i}` }, output: { kind: 'swapped', swapped } }
  })
}

const seeds = fc.array(
  fc.record({
    client: fc.integer({ min: 0, max: 4 }),
    kind: fc.integer({ min: 0, max: 3 }),
    gap: fc.integer({ min: 0, max: 20 }),
    span: fc.integer({ min: 0, max: 30 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 60 },
)

test('every history of a real register is accepted', () => {
  fc.assert(
    fc.property(seeds, (plan) => {
      expect(check(register, genuine(plan)).linearizable).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('the search agrees with trying every order', () => {
  const few = fc.array(
    fc.record({
      client: fc.integer({ min: 0, max: 2 }),
      kind: fc.integer({ min: 0, max: 3 }),
      gap: fc.integer({ min: 0, max: 3 }),
      span: fc.integer({ min: 0, max: 9 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(few, fc.nat(), fc.constantFrom<string | null>('0', '1', '2', null), (plan, pick, wrong) => {
      const history = genuine(plan)
      const index = pick % history.length
      const edited = history.map((op, i) =>
        i === index && op.output?.kind === 'value' ? { ...op, output: { ...op.output, value: wrong } } : op,
      )
      expect(check(register, edited).linearizable).toBe(tryEveryOrder(edited, null))
    }),
    { numRuns: 1_000 },
  )
})

function tryEveryOrder(left: readonly Op[], state: string | null): boolean {
  if (left.length === 0) return true
  const earliestReturn = Math.min(...left.map((op) => op.returnedAt))
  return left.some((op) => {
    if (op.calledAt > earliestReturn) return false
    const step = register.step(state, op.input, op.output)
    return (
      step !== undefined &&
      tryEveryOrder(
        left.filter((other) => other !== op),
        step.state,
      )
    )
  })
}

test('5,000 operations of 20 clients are decided, and one stale read among them is found', () => {
  const plan = Array.from({ length: 5_000 }, (_, i) => ({
    client: i % 20,
    kind: (i * 7) % 4,
    gap: (i * 13) % 41,
    span: (i * 31) % 11,
    at: ((i * 17) % 100) / 100,
  }))
  const history = genuine(plan)
  expect(check(register, history).linearizable).toBe(true)
  const victim = history.findIndex((op, i) => i > 2_500 && op.output?.kind === 'value')
  const edited = history.map((op, i) =>
    i === victim ? { ...op, output: { kind: 'value' as const, value: 'from long ago' } } : op,
  )
  expect(check(register, edited).linearizable).toBe(false)
})
