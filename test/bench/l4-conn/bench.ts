// `npm run bench -- l4-conn`: a connection for each request, 16 at a time; see ../l4/scene.ts for the flags.
import { connectionsEach } from '../l4/load.ts'
import { judge } from '../l4/scene.ts'
import type { BenchResult } from '../result.ts'

export const bench = (args: readonly string[]): Promise<BenchResult> =>
  judge({
    bench: 'l4-conn',
    unit: 'us of CPU of both proxies per connection',
    args,
    load: () => connectionsEach(16),
    service: 'http',
  })
