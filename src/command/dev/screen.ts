/** What the quickstart shows: progress that moves on a terminal, plain lines elsewhere, and the time that each step took. */
import { styleText } from 'node:util'

export class Screen {
  private readonly begunMs = performance.now()
  private readonly moving = process.stdout.isTTY
  private shown = false

  title(text: string): void {
    this.clear()
    process.stdout.write(`\n${styleText('bold', text)}\n\n`)
  }

  /** What is going on now; replaced by what comes next. */
  progress(text: string): void {
    if (!this.moving) return
    this.clear()
    process.stdout.write(styleText('dim', `  … ${text}`))
    this.shown = true
  }

  /** A step that is done, with when. */
  done(what: string, how: string): void {
    const seconds = `${((performance.now() - this.begunMs) / 1_000).toFixed(1)} s`
    this.line(`  ${styleText('green', '✓')} ${what.padEnd(11)} ${how}  ${styleText('dim', `(${seconds})`)}`)
  }

  line(text: string): void {
    this.clear()
    process.stdout.write(`${text}\n`)
  }

  /** A command that can be typed, and what it does. */
  command(command: string, what: string): void {
    this.line(`  ${styleText('cyan', command.padEnd(38))} ${styleText('dim', what)}`)
  }

  error(text: string): void {
    this.clear()
    process.stderr.write(`${styleText('red', 'mesh dev:')} ${text}\n`)
  }

  private clear(): void {
    if (this.shown) process.stdout.write('\r\u001b[2K')
    this.shown = false
  }
}
