// Whether a soak went well: nothing wrong on the way, and nothing left behind.
import type { SoakReport } from './soak.ts'

/** What the heaps of two workers may differ from one look to another: code that gets compiled, maps that were larger. */
const flatHeapBytes = 1_500_000
/** The buffers that the pools of two workers keep (proxy/transport/buffers.ts), and half as much for TLS. */
const pooledBytes = 2 * 1.5 * (256 * 16 * 1024 + 16 * 288 * 1024)

export function verdictOn({ faults, looks, outcomes }: SoakReport): readonly string[] {
  const found = [...faults]
  const [first] = looks
  for (const { descriptors } of looks)
    if (JSON.stringify(descriptors) !== JSON.stringify(first?.descriptors))
      found.push(`descriptors: ${descriptors.join(' ')} after ${first?.descriptors.join(' ')}`)
  const heapGrowth = growthOf(looks.map(({ heapBytes }) => heapBytes))
  if (heapGrowth > flatHeapBytes) found.push(`the heaps grew by ${Math.round(heapGrowth)} bytes`)
  const externalGrowth = growthOf(looks.map(({ externalBytes }) => externalBytes))
  if (externalGrowth > pooledBytes) found.push(`buffers grew by ${Math.round(externalGrowth)} bytes`)
  if (outcomes.whole < outcomes.cut) found.push('more connections were cut than came through')
  return found
}

/** From the mean of the first half to that of the second. */
function growthOf(values: readonly number[]): number {
  const half = Math.ceil(values.length / 2)
  return mean(values.slice(-half)) - mean(values.slice(0, half))
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length
