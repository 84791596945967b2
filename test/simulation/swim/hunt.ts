/**
 * Plants the bugs of bugs.ts one at a time and runs random pools until a checker complains. A finding counts only where
 * the same seed is clean without the bug.
 */
import { textsOf } from '../run/patch.ts'
import { type PlantedBug, swimBugs } from './bugs.ts'
import { SwimThread } from './threads.ts'

export interface Hunted {
  readonly bug: string
  /** Undefined: it survived. */
  readonly seed: number | undefined
  readonly said: string
}

const timeoutMs = 60_000

/** Each bug with the first seed that shows it, up to `seeds` tried. `onHunted` is called as they come. */
export async function huntAll(
  seeds: number,
  only: string,
  onHunted: (hunted: Hunted) => void,
): Promise<readonly Hunted[]> {
  const bugs = swimBugs.filter(({ name }) => name.includes(only))
  // All texts first: a patch that does not fit any more should be told before anything runs.
  const planted = bugs.map((bug) => ({ bug, texts: textsOf([bug.patch]) }))
  const clean = new SwimThread()
  const all: Hunted[] = []
  for (const { bug, texts } of planted) {
    const thread = new SwimThread(texts)
    const hunted = await hunt(bug, thread, clean, seeds)
    await thread.end()
    all.push(hunted)
    onHunted(hunted)
  }
  await clean.end()
  return all
}

async function hunt(bug: PlantedBug, thread: SwimThread, clean: SwimThread, seeds: number): Promise<Hunted> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const outcome = await thread.run('seed', { seed }, timeoutMs)
    const said = outcome.ok ? outcome.result.violations[0] : outcome.error
    if (said === undefined) continue
    const control = await clean.run('seed', { seed }, timeoutMs)
    if (control.ok && control.result.violations.length === 0) return { bug: bug.name, seed, said }
  }
  return { bug: bug.name, seed: undefined, said: '' }
}
