// `npm run bench -- l4-wan`: one bulk stream each way over a way with 40 ms there and back, gigabytes per second, against
// one TLS connection of HAProxy over the same kind of way; see ../l4/scene.ts for the flags. More is better here.
import { bulk } from '../l4/load.ts'
import { judge } from '../l4/scene.ts'
import type { BenchResult } from '../result.ts'

export const bench = (args: readonly string[]): Promise<BenchResult> =>
  judge({
    bench: 'l4-wan',
    unit: 'GB per second of one stream, 40 ms there and back between the proxies',
    args,
    load: () => bulk('down', 1),
    service: 'bulk',
    oneWayMs: 20,
    figure: ({ rate }) => rate,
  })
