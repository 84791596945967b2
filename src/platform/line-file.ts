/**
 * A file that lines are appended to, behind the `LineFile` port: gathered and written in pieces, several processes may
 * write one file. A disk that does not keep up costs lines, never memory or the time of who writes.
 */
import { closeSync, openSync, write } from 'node:fs'
import { limits } from '../model/limits.ts'
import type { Clock, LineFile, Log, Timer } from './ports.ts'

interface LineFileOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: Log
}

/** Opens the file at once, made with mode 0640 where it is missing; a failure is logged and tried again with each piece. */
export function openLineFile(options: LineFileOptions): LineFile {
  return new AppendedFile(options)
}

const newline = 0x0a

class AppendedFile implements LineFile {
  private readonly options: LineFileOptions
  private descriptor: number | undefined
  private lines: string[] = []
  private waitingChars = 0
  private dropped = 0
  private isWriting: boolean = false
  private wantsReopen: boolean = false
  private hasFailed: boolean = false
  private onClosed: (() => void) | undefined
  private timer: Timer | undefined

  constructor(options: LineFileOptions) {
    this.options = options
    this.open()
  }

  append(line: string): void {
    if (this.onClosed !== undefined || this.waitingChars + line.length > limits.lineFileWaitingChars) {
      this.dropped += 1
      return
    }
    this.lines.push(line)
    this.waitingChars += line.length
    if (this.isWriting) return
    if (this.waitingChars >= limits.lineFilePieceChars) this.flush()
    else this.timer ??= this.options.clock.after(limits.lineFileDelayMs, () => this.flush())
  }

  reopen(): void {
    this.wantsReopen = true
    if (!this.isWriting) this.flush()
  }

  close(done: () => void): void {
    this.onClosed = done
    this.timer?.cancel()
    if (!this.isWriting) this.flush()
  }

  private flush(): void {
    this.timer?.cancel()
    this.timer = undefined
    // Lines from before a reopening belong in the file of before.
    const piece = this.take()
    if (piece.length === 0) {
      this.settle()
      return
    }
    if (this.descriptor === undefined && !this.open()) {
      this.lose(piece)
      this.settle()
      return
    }
    this.isWriting = true
    this.writeOn(piece, 0)
  }

  private writeOn(piece: Buffer, from: number): void {
    const { descriptor } = this
    if (descriptor === undefined) return
    write(descriptor, piece, from, piece.length - from, null, (error, written) => {
      if (error === null && written > 0 && from + written < piece.length) {
        this.writeOn(piece, from + written)
        return
      }
      if (error === null) this.hasFailed = false
      else {
        this.failed(error)
        this.lose(piece.subarray(from))
      }
      this.isWriting = false
      this.settle()
    })
  }

  /** After a piece: what was asked for meanwhile. */
  private settle(): void {
    if (this.wantsReopen) {
      this.wantsReopen = false
      this.shut()
      if (this.onClosed === undefined) this.open()
    }
    if (this.lines.length > 0) this.flush()
    else if (this.onClosed !== undefined) {
      this.shut()
      this.onClosed()
    }
  }

  private lose(piece: Buffer): void {
    for (const byte of piece) if (byte === newline) this.dropped += 1
  }

  private take(): Buffer {
    const { lines } = this
    if (this.dropped > 0 && lines.length > 0) {
      lines.push(JSON.stringify({ droppedLines: this.dropped }))
      this.dropped = 0
    }
    this.lines = []
    this.waitingChars = 0
    return lines.length === 0 ? Buffer.alloc(0) : Buffer.from(`${lines.join('\n')}\n`)
  }

  private open(): boolean {
    try {
      this.descriptor = openSync(this.options.path, 'a', 0o640)
      return true
    } catch (error) {
      this.failed(error)
      return false
    }
  }

  private shut(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
  }

  /** Said once until it goes well again: there may be thousands of lines a second. */
  private failed(error: unknown): void {
    if (!this.hasFailed)
      this.options.log.error('lines cannot be written to a file', { path: this.options.path, error })
    this.hasFailed = true
  }
}
