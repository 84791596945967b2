/** A state that is put together beside the live one, to take its place some day. How it grows is staging.ts. */
import type { Tables } from './tables.ts'

/** How far the text of a state was read. */
export interface LinePosition {
  readonly stage: 'header' | 'rows' | 'complete'
  readonly rows: number
}

export interface Staged extends LinePosition {
  readonly id: string
  /** Pieces taken so far; they come without a gap. */
  readonly pieces: number
  /** The beginning of a line whose end is in the next piece. */
  readonly carry: string
  /** When the last piece was proposed: an attempt that stopped is forgotten some day. */
  readonly atMs: number
  readonly tables: Tables
}
