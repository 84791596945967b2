/**
 * One request to an agent's HTTP API, over TCP or its unix socket. Turns refusals and unreachable agents into failures that
 * say what to do; what is asked for, the commands know.
 */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import {
  type Address,
  addressText,
  type ConnectionFlags,
  findAddress,
  findToken,
  tokenScope,
} from './connection.ts'
import { CommandFailure } from './failure.ts'

export interface Reply {
  readonly status: number
  readonly text: string
  readonly bytes: Uint8Array
  header(name: string): string
  json<T>(): T
}

export interface Client {
  /** A reply with status below 300; anything else is a `CommandFailure` with the agent's own words. */
  ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Reply>
  /** Like `ask` for PUT, with a body that is taken as it is. */
  store(path: string, bytes: Uint8Array): Promise<Reply>
  /** Like `ask` for GET, but undefined for 404. */
  find(path: string): Promise<Reply | undefined>
  /** Like `ask` for GET, but a 404 is a reply too: its headers say when the thing was last there. */
  look(path: string): Promise<Reply>
  /** A reply of any status: for callers to whom a refusal is an answer. Fails where the agent cannot be reached. */
  attempt(method: 'GET' | 'PUT' | 'DELETE', path: string, bytes?: Uint8Array): Promise<Reply>
}

/** Answers are lists of the whole cluster at most; a larger one is a mistake. */
const replyLimitBytes = 256 * 1024 * 1024

export function createClient(flags: ConnectionFlags): Client {
  const address = findAddress(flags, process.env)
  const token = findToken(flags, process.env, tokenScope(address))
  const send = (method: string, path: string, body?: Uint8Array): Promise<Reply> =>
    exchange(address, { method, path, token, ...(body === undefined ? {} : { body }) })
  const accepted = async (sent: Promise<Reply>): Promise<Reply> => {
    const reply = await sent
    if (reply.status < 300) return reply
    throw refusal(reply)
  }
  return {
    ask: (method, path, body) =>
      accepted(send(method, path, body === undefined ? undefined : Buffer.from(JSON.stringify(body)))),
    store: (path, bytes) => accepted(send('PUT', path, bytes)),
    async find(path) {
      const reply = await send('GET', path)
      if (reply.status === 404) return undefined
      if (reply.status < 300) return reply
      throw refusal(reply)
    },
    attempt: send,
    async look(path) {
      const reply = await send('GET', path)
      if (reply.status < 300 || reply.status === 404) return reply
      throw refusal(reply)
    },
  }
}

const refusal = (reply: Reply): CommandFailure =>
  refusalOfText(reply.status, reply.text, reply.header('x-mesh-reason'))

/** What an agent said instead of doing it; `reason` is its code, or ''. */
export function refusalOfText(status: number, said: string, reason: string): CommandFailure {
  const text = said.trim() || `the agent answered with status ${status}`
  const needsToken = reason === 'no-token' || reason === 'bad-token'
  return new CommandFailure(text, {
    next: needsToken
      ? 'give an operator token with -token-file FILE or MESH_TOKEN_FILE; the server keeps one in <data_dir>/server/operator.token'
      : reason === ''
        ? ''
        : `mesh explain ${reason}`,
  })
}

interface Request {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly body?: Uint8Array
}

/** How a request reaches the agent. */
export function requestOptions(address: Address, asked: Request): RequestOptions {
  return {
    method: asked.method,
    path: asked.path,
    agent: false,
    ...(address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port }),
    headers: {
      Host: 'mesh-agent',
      ...(asked.token === '' ? {} : { 'X-Consul-Token': asked.token }),
      ...(asked.body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': asked.body.length }),
    },
  }
}

/** Loaded with the first request: the programs declare commands, too, and would carry five megabytes of it for nothing. */
export const openRequest = (
  options: RequestOptions,
  onResponse?: (response: IncomingMessage) => void,
): ClientRequest => process.getBuiltinModule('node:http').request(options, onResponse)

function exchange(address: Address, asked: Request): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = openRequest(requestOptions(address, asked), (response) => collect(response, resolve, reject))
    sent.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(address, error)))
    sent.end(asked.body)
  })
}

function collect(
  response: IncomingMessage,
  resolve: (reply: Reply) => void,
  reject: (failure: CommandFailure) => void,
): void {
  const pieces: Buffer[] = []
  let size = 0
  response.on('data', (piece: Buffer) => {
    size += piece.length
    if (size > replyLimitBytes) response.destroy(new Error('the answer is too large'))
    else pieces.push(piece)
  })
  response.on('error', (error) =>
    reject(new CommandFailure(`the agent's answer ended early: ${error.message}`)),
  )
  response.on('end', () => {
    const bytes = Buffer.concat(pieces)
    const text = bytes.toString()
    resolve({
      status: response.statusCode ?? 0,
      text,
      bytes,
      header: (name) => String(response.headers[name] ?? ''),
      json: <T>() => parseJson(text) as T,
    })
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandFailure('the answer is no JSON: is this address the HTTP API of a mesh agent?')
  }
}

export function unreachable(address: Address, error: NodeJS.ErrnoException): CommandFailure {
  const why =
    {
      ECONNREFUSED: 'nothing listens there',
      ENOENT: 'the socket does not exist',
      EACCES: 'permission denied',
    }[error.code ?? ''] ?? error.message
  return new CommandFailure(`cannot reach the agent at ${addressText(address)}: ${why}`, {
    next:
      error.code === 'EACCES'
        ? 'join the group that owns the socket, or run the command as root'
        : 'systemctl start mesh-agent, or name another agent with -http-addr HOST:PORT (or MESH_HTTP_ADDR)',
  })
}
