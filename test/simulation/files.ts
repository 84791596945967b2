/**
 * One host's small state files. What was written as durable survives everything; the rest may be gone after a crash of
 * the host, each file by itself.
 */
import type { DiskError, StateFiles } from '../../src/platform/ports.ts'
import type { SeededRandom } from './random.ts'

export class SimulatedFiles implements StateFiles {
  readonly #seen = new Map<string, Uint8Array>()
  /** What a power cut would bring back of files that were written without being made durable; undefined: no file. */
  readonly #older = new Map<string, Uint8Array | undefined>()

  list(directory: string): readonly string[] {
    const below = `${directory}/`
    return [...this.#seen.keys()]
      .filter((path) => path.startsWith(below))
      .map((path) => path.slice(below.length))
      .sort()
  }

  read(path: string): Uint8Array | undefined {
    return this.#seen.get(path)
  }

  write(path: string, data: Uint8Array, options: { readonly durable?: boolean } = {}): DiskError | undefined {
    if (options.durable !== false) this.#older.delete(path)
    else if (!this.#older.has(path)) this.#older.set(path, this.#seen.get(path))
    this.#seen.set(path, data.slice())
    return undefined
  }

  remove(path: string): DiskError | undefined {
    this.#seen.delete(path)
    this.#older.delete(path)
    return undefined
  }

  /** The power goes. */
  crash(random: SeededRandom): void {
    for (const [path, older] of this.#older) {
      if (random.chance(0.5)) continue
      if (older === undefined) this.#seen.delete(path)
      else this.#seen.set(path, older)
    }
    this.#older.clear()
  }
}
