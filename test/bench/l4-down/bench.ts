// `npm run bench -- l4-down`: two bulk streams from the service to the client; see ../l4/scene.ts for the flags.
import { bulk } from '../l4/load.ts'
import { judge } from '../l4/scene.ts'
import type { BenchResult } from '../result.ts'

export const bench = (args: readonly string[]): Promise<BenchResult> =>
  judge({
    bench: 'l4-down',
    unit: 'us of CPU of both proxies per gigabyte',
    args,
    load: () => bulk('down'),
    service: 'bulk',
  })
