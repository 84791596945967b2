// `npm run bench -- l4-latency`: 2,000 requests a second over 16 connections, each timed; see ../l4/scene.ts for the flags.
// What is compared is the median; the 99th percentile is printed.
import { steady } from '../l4/load.ts'
import { judge } from '../l4/scene.ts'
import type { BenchResult } from '../result.ts'

export const bench = (args: readonly string[]): Promise<BenchResult> =>
  judge({
    bench: 'l4-latency',
    unit: 'us, median time of an answer',
    args,
    load: (folder) => steady(2_000, folder),
    service: 'http',
    figure: ({ p50Us = Number.NaN }) => p50Us,
  })
