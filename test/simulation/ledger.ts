/**
 * The smallest state machine that shows every mistake of the layers below: it remembers each command in order, so a lost,
 * repeated or reordered entry changes its hash. Snapshots come in many small pieces.
 */
import type { Applied, Envelope } from '../../src/model/command.ts'
import { ok, type Result } from '../../src/model/errors.ts'
import type { LogIndex } from '../../src/model/ids.ts'
import { logIndex } from '../../src/model/ids.ts'
import type { SnapshotReader, SnapshotWriter, StateMachine } from '../../src/server/consensus/contract.ts'
import { decodeEnvelope } from '../../src/wire/command.ts'
import { crc32c } from '../../src/wire/crc32c.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const linesPerPiece = 16

/** A command that carries one word; the rest of the envelope does not matter here. */
export const wordEnvelope = (word: string): Envelope => ({
  version: 1,
  principal: { kind: 'server', node: 'test' },
  atMs: 0,
  command: { type: 'catalog.deregister', node: word },
})

export class Ledger implements StateMachine {
  #words: string[] = []
  #index: LogIndex = logIndex(0)
  #hash = 0

  /** Every word that was applied, in order. */
  get words(): readonly string[] {
    return this.#words
  }

  get index(): LogIndex {
    return this.#index
  }

  apply(index: LogIndex, entry: Uint8Array): Applied {
    if (index <= this.#index) throw new Error(`entry ${index} is applied after ${this.#index}`)
    const envelope = decodeEnvelope(entry)
    if (!envelope.ok || envelope.value.command.type !== 'catalog.deregister') throw new Error('not a word')
    this.#add(`${index} ${envelope.value.command.node}`)
    this.#index = index
    return { ok: true, index, value: { kind: 'done' } }
  }

  snapshot(): SnapshotReader {
    const words = this.#words.slice()
    let at = 0
    return {
      index: this.#index,
      next: () => {
        if (at >= words.length) return undefined
        const piece = encoder.encode(words.slice(at, at + linesPerPiece).join('\n'))
        at += linesPerPiece
        return piece
      },
    }
  }

  restore(index: LogIndex): SnapshotWriter {
    const pieces: string[] = []
    return {
      write: (piece) => pieces.push(decoder.decode(piece)),
      finish: (): Result<true> => {
        this.#words = []
        this.#hash = 0
        for (const piece of pieces) for (const line of piece.split('\n')) this.#add(line)
        this.#index = index
        return ok(true)
      },
    }
  }

  hash(): string {
    return `${this.#words.length}:${this.#hash.toString(16)}`
  }

  #add(line: string): void {
    this.#words.push(line)
    this.#hash = crc32c(encoder.encode(line), this.#hash)
  }
}
