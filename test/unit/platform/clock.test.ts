import { expect, test } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { systemRandom } from '../../../src/platform/random.ts'

const inTurn = (delayMs: number): Promise<number> =>
  new Promise((resolve) => {
    const setAtMs = systemClock.monotonicMs()
    systemClock.after(delayMs, () => resolve(systemClock.monotonicMs() - setAtMs))
  })

test('a timer never fires before its time, even when it was set late in a busy turn', async () => {
  const busyUntilMs = performance.now() + 20
  while (performance.now() < busyUntilMs);
  const waits = await Promise.all(
    [1, 2.5, 5, 10, 15].map(async (delayMs) => (await inTurn(delayMs)) - delayMs),
  )
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
})

test('a timer without delay runs after the present turn', async () => {
  let ran = false
  const done = new Promise<void>((resolve) => {
    systemClock.after(0, () => {
      ran = true
      resolve()
    })
  })
  expect(ran).toBe(false)
  await done
})

test('a cancelled timer never runs, and cancelling twice or late is harmless', async () => {
  let calls = 0
  const timers = [0, 1].map((delayMs) =>
    systemClock.after(delayMs, () => {
      calls += 1
    }),
  )
  for (const timer of timers) timer.cancel()
  for (const timer of timers) timer.cancel()
  await inTurn(5)
  expect(calls).toBe(0)
})

test('a timer of more than 24 days is not taken for one of a millisecond', async () => {
  let fired = false
  const warnings: string[] = []
  const listen = (warning: Error): number => warnings.push(warning.name)
  process.on('warning', listen)
  try {
    const timer = systemClock.after(40 * 24 * 3_600_000, () => {
      fired = true
    })
    await inTurn(10)
    timer.cancel()
  } finally {
    process.off('warning', listen)
  }
  expect(fired).toBe(false)
  expect(warnings).not.toContain('TimeoutOverflowWarning')
})

test('random bytes come in the length asked for and differ', () => {
  const [a, b] = [systemRandom.bytes(32), systemRandom.bytes(32)]
  expect([a.length, b.length]).toEqual([32, 32])
  expect(a).not.toEqual(b)
  const fraction = systemRandom.fraction()
  expect(fraction).toBeGreaterThanOrEqual(0)
  expect(fraction).toBeLessThan(1)
})
