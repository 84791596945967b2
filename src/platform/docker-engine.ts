/**
 * Runs a program inside a container through the engine's HTTP API: create an exec, start it, ask for its exit status.
 * Source: Docker Engine API, "Exec" (https://docs.docker.com/engine/api/). Knows nothing of checks.
 */
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { describeError } from './http-probe.ts'
import type { Probes, ProcessResult } from './ports.ts'

const socketDefault = '/var/run/docker.sock'
/** Answers other than a program's output are small. */
const answerBytesMax = 64 * 1024
const frameHeaderBytes = 8

export const executeInContainer: Probes['execute'] = (inside, options, done) => {
  const engine = engineOptions(process.env['DOCKER_HOST'] ?? '')
  if (typeof engine === 'string') {
    setImmediate(() => done(notRun(engine)))
    return
  }
  const calls: ClientRequest[] = []
  let output = ''
  let settled = false
  const finish = (result: ProcessResult): void => {
    if (settled) return
    settled = true
    clearTimeout(timeout)
    for (const call of calls) call.destroy()
    done(result)
  }
  // The engine has no way to end a program that it started this way; the caller is told that it ran out of time.
  const timeout = setTimeout(() => finish({ exitCode: undefined, timedOut: true, output }), options.timeoutMs)
  run(
    { engine, calls, outputMaxBytes: options.outputMaxBytes, onOutput: (text) => (output = text) },
    inside,
    finish,
  )
}

interface Run {
  readonly engine: RequestOptions
  readonly calls: ClientRequest[]
  readonly outputMaxBytes: number
  readonly onOutput: (output: string) => void
}

function run(
  context: Run,
  { container, args }: { readonly container: string; readonly args: readonly string[] },
  finish: (result: ProcessResult) => void,
): void {
  const fail = (why: string): void => finish(notRun(why))
  const create = { AttachStdout: true, AttachStderr: true, Tty: false, Cmd: args }
  ask(context, ['POST', `/containers/${encodeURIComponent(container)}/exec`, create], fail, (created) => {
    const id = fieldOf(created, 'Id')
    if (typeof id !== 'string') return fail('the container engine gave no id for the program')
    const reader = new FrameReader(context.outputMaxBytes)
    stream(context, `/exec/${encodeURIComponent(id)}/start`, fail, {
      onData: (chunk) => context.onOutput(reader.push(chunk)),
      onEnd: () =>
        ask(context, ['GET', `/exec/${encodeURIComponent(id)}/json`, undefined], fail, (state) => {
          const exitCode = fieldOf(state, 'ExitCode')
          finish({
            exitCode: typeof exitCode === 'number' ? exitCode : undefined,
            timedOut: false,
            output: reader.text(),
          })
        }),
    })
  })
}

/** Where the engine listens, as `DOCKER_HOST` says; a text where that is something this agent does not speak. */
function engineOptions(host: string): RequestOptions | string {
  if (host === '') return { socketPath: socketDefault }
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const [, name, port] = /^tcp:\/\/(\[[^\]]+\]|[^:/]+):(\d{1,5})$/.exec(host) ?? []
  if (name !== undefined) return { host: name.replace(/^\[|\]$/g, ''), port: Number(port) }
  return `DOCKER_HOST is "${host}"; unix:///path and tcp://host:port are understood`
}

type Question = readonly [method: string, path: string, body: unknown]

/** One small question; `fail` gets the engine's own words for a refusal. */
function ask(
  context: Run,
  question: Question,
  fail: (why: string) => void,
  done: (answer: unknown) => void,
): void {
  send(context, question, fail, (response) => {
    const pieces: Buffer[] = []
    let bytes = 0
    response.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes <= answerBytesMax) pieces.push(piece)
    })
    response.on('end', () => {
      const answer = parsed(Buffer.concat(pieces).toString('utf8'))
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 300) return done(answer)
      const message = fieldOf(answer, 'message')
      fail(`the container engine answered ${status}: ${typeof message === 'string' ? message : 'no reason'}`)
    })
  })
}

function stream(
  context: Run,
  path: string,
  fail: (why: string) => void,
  events: { onData(chunk: Buffer): void; onEnd(): void },
): void {
  send(context, ['POST', path, { Detach: false, Tty: false }], fail, (response) => {
    if (response.statusCode !== 200) {
      response.resume()
      return fail(`the container engine answered ${response.statusCode ?? 0} when the program was started`)
    }
    response.on('data', events.onData)
    response.on('end', events.onEnd)
  })
}

function send(
  { engine, calls }: Run,
  [method, path, body]: Question,
  fail: (why: string) => void,
  onResponse: (response: IncomingMessage) => void,
): void {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers =
    text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const call = request({ ...engine, method, path, headers, agent: false }, onResponse)
  call.on('error', (error) =>
    fail(`no container engine answers at ${placeOf(engine)}: ${describeError(error)}`),
  )
  call.end(text)
  calls.push(call)
}

function placeOf(engine: RequestOptions): string {
  return engine.socketPath ?? `${engine.host ?? ''}:${engine.port ?? ''}`
}

/** stdout and stderr come as frames: one byte for which, three of nothing, four for the length, then the bytes. */
class FrameReader {
  readonly #maxBytes: number
  #rest: Buffer = Buffer.alloc(0)
  #kept: Buffer = Buffer.alloc(0)

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): string {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= frameHeaderBytes) {
      const end = frameHeaderBytes + this.#rest.readUInt32BE(4)
      if (this.#rest.length < end) break
      this.#keep(this.#rest.subarray(frameHeaderBytes, end))
      this.#rest = this.#rest.subarray(end)
    }
    // A frame may be as long as the program likes; no more of it is kept than can be shown.
    if (this.#rest.length > this.#maxBytes + answerBytesMax) {
      this.#keep(this.#rest.subarray(frameHeaderBytes))
      this.#rest = Buffer.alloc(0)
    }
    return this.text()
  }

  text(): string {
    return this.#kept.toString('utf8')
  }

  #keep(bytes: Buffer): void {
    const room = this.#maxBytes - this.#kept.length
    if (room > 0) this.#kept = Buffer.concat([this.#kept, bytes.subarray(0, room)])
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function notRun(why: string): ProcessResult {
  return { exitCode: undefined, timedOut: false, output: why }
}
