/**
 * Commands to a running proxy, on a unix socket that only its user and root may open: one line of JSON each way, then the
 * connection ends. Knows what the holder can be asked, not how it does it.
 */
import net from 'node:net'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log } from '../../platform/ports.ts'
import { listenOnUnixSocket } from '../../rpc/unix-socket.ts'
import type { WorkerReplacement } from './holder.ts'

export type ControlRequest =
  /** Replace all workers by processes of the program as it is on disk now. */
  { readonly ask: 'upgrade'; readonly drainMs: number } | { readonly ask: 'workers' }

export type ControlAnswer =
  | { readonly kind: 'upgraded'; readonly workers: readonly WorkerReplacement[] }
  | {
      readonly kind: 'workers'
      readonly workers: readonly { readonly worker: string; readonly pid: number }[]
    }
  | { readonly kind: 'refused'; readonly reason: string }

/** What of a holder commands reach. */
export interface Controlled {
  workers(): readonly { readonly worker: string; readonly pid: number }[]
  reload(drainMs: number, done: (outcomes: readonly WorkerReplacement[]) => void): void
}

export interface ControlOptions {
  readonly holder: Controlled
  readonly clock: Clock
  readonly log: Log
}

export interface ControlServer {
  close(): void
}

/** A proxy whose socket cannot be made serves all the same; its log says so. */
export function serveControl(path: string, options: ControlOptions): ControlServer {
  const server = net.createServer((socket) => answerOn(socket, options))
  server.maxConnections = limits.controlConnections
  listenOnUnixSocket(server, { path, mode: 0o600 }, (error) => {
    if (error !== '') options.log.warn('no commands are taken', { error })
  })
  return { close: () => server.close() }
}

function answerOn(socket: net.Socket, { holder, clock }: ControlOptions): void {
  let text = ''
  const answer = (outcome: ControlAnswer): void => {
    socket.end(`${JSON.stringify(outcome)}\n`)
  }
  socket.setEncoding('utf8')
  const deadline = clock.after(limits.controlTimeoutMs, () => socket.destroy())
  socket.once('close', () => deadline.cancel())
  socket.on('error', () => socket.destroy())
  socket.on('data', (part: string) => {
    text += part
    const end = text.indexOf('\n')
    if (end < 0 && text.length <= limits.controlLineBytes) return
    socket.pause()
    deadline.cancel()
    const request = readRequest(text.slice(0, Math.max(0, end)))
    if (!request.ok) answer({ kind: 'refused', reason: request.failure.message })
    else if (request.value.ask === 'workers') answer({ kind: 'workers', workers: holder.workers() })
    else holder.reload(request.value.drainMs, (workers) => answer({ kind: 'upgraded', workers }))
  })
}

function readRequest(line: string): Result<ControlRequest> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return failed('bad-request', 'the command cannot be read')
  }
  const { ask, drainMs } =
    typeof value === 'object' && value !== null ? (value as Partial<Record<string, unknown>>) : {}
  if (ask === 'workers') return ok({ ask })
  const isTime = typeof drainMs === 'number' && drainMs >= 0 && drainMs <= limits.drainLongestMs
  if (ask === 'upgrade' && isTime) return ok({ ask, drainMs })
  return failed('bad-request', 'this proxy does not know that command')
}

/** Asks the proxy at `path`. Refused also where it does not run, does not answer or is another program. */
export function askControl(
  path: string,
  request: ControlRequest,
  done: (answer: ControlAnswer) => void,
): void {
  const socket = net.connect(path)
  let text = ''
  let over = false
  const finish = (answer: ControlAnswer): void => {
    if (over) return
    over = true
    socket.destroy()
    done(answer)
  }
  const refuse = (reason: string): void => finish({ kind: 'refused', reason })
  socket.setEncoding('utf8')
  socket.on('error', (error: NodeJS.ErrnoException) =>
    refuse(`the proxy at ${path} cannot be asked: ${error.code ?? error.message}`),
  )
  socket.on('data', (part: string) => {
    text += part
  })
  socket.once('close', () => {
    try {
      finish(JSON.parse(text) as ControlAnswer)
    } catch {
      refuse(`the proxy at ${path} did not answer`)
    }
  })
  socket.write(`${JSON.stringify(request)}\n`)
}
