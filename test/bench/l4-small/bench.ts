// `npm run bench -- l4-small`: requests of 95 bytes on 64 open connections; see ../l4/scene.ts for the flags.
import { requests } from '../l4/load.ts'
import { judge } from '../l4/scene.ts'
import type { BenchResult } from '../result.ts'

export const bench = (args: readonly string[]): Promise<BenchResult> =>
  judge({
    bench: 'l4-small',
    unit: 'us of CPU of both proxies per request',
    args,
    load: () => requests(64),
    service: 'http',
  })
