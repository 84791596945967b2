// `npm run bench -- fairness`: how much longer small requests take while two bulk transfers come from the same service through
// the same two proxies; see ../l4/scene.ts for the flags. The transfers are paced, so that it is the proxies' queues that are
// measured and not two cores that are used up; `--unpaced` lets them take what they get.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, steady, transfers } from '../l4/load.ts'
import { judge } from '../l4/scene.ts'
import type { BenchResult } from '../result.ts'

/** Small requests a second. */
const perSecond = 500
/** For the transfers to get up to speed. */
const headStartMs = 500

export function bench(args: readonly string[]): Promise<BenchResult> {
  const unpaced = args.includes('--unpaced')
  return judge({
    bench: 'fairness',
    unit: 'median time of a small request beside two bulk transfers, times that of one alone',
    args: args.filter((each) => each !== '--unpaced'),
    load: (folder) =>
      besideBulk(steady(perSecond, folder), transfers(2, unpaced ? '/bulk/file' : '/paced/file')),
    service: 'http',
    figure: ({ p50Us = Number.NaN, aloneP50Us = Number.NaN }) => p50Us / aloneP50Us,
  })
}

function besideBulk(small: Load, bulk: Load): Load {
  return async (to, seconds) => {
    const alone = await small(to, seconds)
    const transferred = bulk(to, seconds + (2 * headStartMs) / 1_000)
    await sleep(headStartMs)
    const beside = await small(to, seconds)
    const { failed } = await transferred
    const aloneP50Us = alone.p50Us ?? Number.NaN
    return { ...beside, failed: alone.failed + beside.failed + failed, aloneP50Us }
  }
}
