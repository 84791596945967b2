/** Ports of the machine for tests of trust: files in memory, a log and counters that can be looked at. */
import { randomBytes } from 'node:crypto'
import type { Log, Metrics, Random, StateFiles } from '../../../src/platform/ports.ts'

export class MemoryFiles implements StateFiles {
  readonly files = new Map<string, Uint8Array>()
  readonly modes = new Map<string, number>()
  /** Set to make every write fail. */
  broken = false

  list(directory: string): readonly string[] {
    const names = [...this.files.keys()].filter((path) => path.startsWith(`${directory}/`))
    return names.map((path) => path.slice(directory.length + 1)).sort()
  }
  read(path: string): Uint8Array | undefined {
    return this.files.get(path)
  }
  write(path: string, data: Uint8Array, options: { readonly mode?: number } = {}) {
    if (this.broken) return { code: 'no-space', message: 'the disk is full' } as const
    this.files.set(path, Uint8Array.from(data))
    this.modes.set(path, options.mode ?? 0o600)
    return undefined
  }
  remove(path: string) {
    this.files.delete(path)
    return undefined
  }
}

export class RecordingLog implements Log {
  readonly lines: string[] = []
  debug(message: string, fields?: unknown): void {
    this.lines.push(`debug ${message} ${JSON.stringify(fields ?? {})}`)
  }
  info(message: string, fields?: unknown): void {
    this.lines.push(`info ${message} ${JSON.stringify(fields ?? {})}`)
  }
  warn(message: string, fields?: unknown): void {
    this.lines.push(`warn ${message} ${JSON.stringify(fields ?? {})}`)
  }
  error(message: string, fields?: unknown): void {
    this.lines.push(`error ${message} ${JSON.stringify(fields ?? {})}`)
  }
  with(): Log {
    return this
  }
}

export class Counters implements Metrics {
  readonly counts = new Map<string, number>()
  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = [name, ...Object.values(labels)].join(' ')
    this.counts.set(key, (this.counts.get(key) ?? 0) + by)
  }
  gauge(name: string, value: number): void {
    this.counts.set(name, value)
  }
}

/** Real bytes; fractions as told, the middle by default. */
export class TestRandom implements Random {
  next: () => number = () => 0.5
  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length))
  }
  fraction(): number {
    return this.next()
  }
}
