/**
 * Durations as Go writes them ("1m30s", "120000ms", "1.5h"), because that is what every Consul client sends.
 * Knows nothing of clocks. A bare number is refused: Consul refuses it too, and a missing unit is a common mistake.
 */
const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

/** Milliseconds (a float: "100us" is 0.1), or undefined where `text` is not a Go duration. "0" alone is allowed. */
export function parseDurationMs(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1
  const start = text.startsWith('-') || text.startsWith('+') ? 1 : 0
  const body = text.slice(start)
  if (body === '0') return 0
  if (body === '' || body.length > 64) return undefined
  let total = 0
  part.lastIndex = 0
  while (part.lastIndex < body.length) {
    const match = part.exec(body)
    if (match === null) return undefined
    total += Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN)
  }
  return Number.isFinite(total) ? sign * total : undefined
}

/** Go's `Duration.String()`: "1m30s", "1.5s", "100ms", "0s". */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const sign = ms < 0 ? '-' : ''
  const abs = Math.abs(ms)
  if (abs < 1e-3) return `${sign}${Math.round(abs * 1e6)}ns`
  if (abs < 1) return `${sign}${trim(abs * 1e3)}µs`
  if (abs < 1_000) return `${sign}${trim(abs)}ms`
  const hours = Math.floor(abs / 3_600_000)
  const minutes = Math.floor((abs % 3_600_000) / 60_000)
  const seconds = trim((abs % 60_000) / 1_000)
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`
  if (minutes > 0) return `${sign}${minutes}m${seconds}s`
  return `${sign}${seconds}s`
}

function trim(value: number): string {
  return String(Number(value.toFixed(9)))
}
