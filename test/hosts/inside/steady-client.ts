/**
 * A client of a test that never waits for an answer before it asks again: so many requests per second, in turn on a
 * connection of their own and on kept ones, until SIGTERM; then its report goes to a file. Counts every failure. Runs in a
 * host by a Node.js of its own; what counts as good is upgrade-traffic.ts's business.
 *
 *   steady-client.ts URL REQUESTS-PER-SECOND REPORT-FILE
 */
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

export interface SteadyReport {
  /** From the first request to the last one. */
  readonly seconds: number
  readonly sent: number
  readonly answered: number
  /** Requests without an answer. */
  readonly failed: number
  /** Sent a second time on a new connection, because the first one ended before any byte of an answer. */
  readonly repeated: number
  /** The first ones of each. */
  readonly failures: readonly Mishap[]
  readonly repeats: readonly Mishap[]
  /** Answers by who gave them. */
  readonly answeredBy: Readonly<Record<string, number>>
  readonly slowestMs: number
}

export interface Mishap {
  readonly atMs: number
  readonly connection: 'new' | 'kept'
  readonly reason: string
}

/** As pools of clients do: what an upgrade leaves to the old worker must end before that worker does. */
const connectionAgeMs = 30_000
const timeoutMs = 15_000
const mostMishaps = 100
const tickMs = 5

class AgeingAgent extends http.Agent {
  readonly #sinceMs = new WeakMap<Socket, number>()

  override keepSocketAlive(socket: Socket): boolean {
    const sinceMs = this.#sinceMs.get(socket) ?? performance.now()
    this.#sinceMs.set(socket, sinceMs)
    if (performance.now() - sinceMs > connectionAgeMs) return false
    super.keepSocketAlive(socket)
    return true
  }
}

const [url = '', rate = '', reportFile = ''] = process.argv.slice(2)
const kept = new AgeingAgent({ keepAlive: true, maxSockets: 32 })
const failures: Mishap[] = []
const repeats: Mishap[] = []
const answeredBy: Record<string, number> = {}
const counts = { sent: 0, answered: 0, failed: 0, repeated: 0 }
let slowestMs = 0
let isEnding: boolean = false
let seconds = 0

const startMs = performance.now()
const ticking = setInterval(() => {
  const due = Math.floor(((performance.now() - startMs) * Number(rate)) / 1_000)
  while (counts.sent < due) {
    counts.sent += 1
    ask(counts.sent % 2 === 0 ? 'kept' : 'new')
  }
}, tickMs)

process.on('SIGTERM', () => {
  clearInterval(ticking)
  seconds = (performance.now() - startMs) / 1_000
  isEnding = true
  finishIfDone()
})

/** One request, told once how it ended. */
function ask(connection: Mishap['connection']): void {
  const askedMs = performance.now()
  attempt(connection, (first, isUntouched) => {
    if (first === undefined) return answered(askedMs)
    // What every HTTP client does with a GET (RFC 9110, 9.2.2); a connection that is refused is another matter.
    if (!isUntouched) return failed(connection, first)
    counts.repeated += 1
    note(repeats, { atMs: Date.now(), connection, reason: first })
    attempt('new', (second) => (second === undefined ? answered(askedMs) : failed(connection, second)))
  })
}

type Done = (fault: string | undefined, isUntouched: boolean) => void

/** `isUntouched`: the connection stood, and ended without a byte of an answer. */
function attempt(connection: Mishap['connection'], done: Done): void {
  let isOver: boolean = false
  const finish: Done = (fault, isUntouched) => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    done(fault, isUntouched)
  }
  const request = http.get(url, { agent: connection === 'kept' ? kept : false }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (piece: string) => {
      text += piece
    })
    response.on('error', (error) => finish(`in the answer: ${error.message}`, false))
    response.on('end', () => finish(judge(response.statusCode ?? 0, text), false))
  })
  const timer = setTimeout(() => {
    finish(`no answer in ${timeoutMs} ms`, false)
    request.destroy()
  }, timeoutMs)
  request.on('error', (error: NodeJS.ErrnoException) => {
    const { code = '' } = error
    finish(`${code} ${error.message}`, code === 'ECONNRESET' || code === 'EPIPE')
  })
}

function judge(status: number, text: string): string | undefined {
  const from = /^hello from (\w+)\n$/.exec(text)?.[1]
  if (status !== 200 || from === undefined) return `answer ${status} ${JSON.stringify(text.slice(0, 80))}`
  answeredBy[from] = (answeredBy[from] ?? 0) + 1
  return undefined
}

function answered(askedMs: number): void {
  counts.answered += 1
  slowestMs = Math.max(slowestMs, performance.now() - askedMs)
  finishIfDone()
}

function failed(connection: Mishap['connection'], reason: string): void {
  counts.failed += 1
  note(failures, { atMs: Date.now(), connection, reason })
  finishIfDone()
}

function note(mishaps: Mishap[], mishap: Mishap): void {
  if (mishaps.length < mostMishaps) mishaps.push(mishap)
}

function finishIfDone(): void {
  if (!isEnding || counts.answered + counts.failed < counts.sent) return
  const report: SteadyReport = {
    seconds,
    ...counts,
    failures,
    repeats,
    answeredBy,
    slowestMs: Math.round(slowestMs),
  }
  writeFileSync(reportFile, JSON.stringify(report))
  process.exit(0)
}
