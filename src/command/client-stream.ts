/** Bodies of any size between a file and the agent's HTTP API; everything that fits in memory goes through client.ts. */
import type { IncomingMessage } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openRequest, refusalOfText, requestOptions, unreachable } from './client.ts'
import { type ConnectionFlags, findAddress, findToken, tokenScope } from './connection.ts'
import { CommandFailure } from './failure.ts'

/** Writes the answer to `target`, which is closed then; throws what the agent said instead. */
export async function download(flags: ConnectionFlags, path: string, target: Writable): Promise<void> {
  const response = await exchange(flags, { method: 'GET', path })
  try {
    await pipeline(response, target)
  } catch (error) {
    throw new CommandFailure(`the answer ended early: ${error instanceof Error ? error.message : 'unknown'}`)
  }
}

/** Sends `source` as the body of a PUT; the value of a header of the answer. */
export async function upload(
  flags: ConnectionFlags,
  path: string,
  source: Readable,
): Promise<(header: string) => string> {
  const response = await exchange(flags, { method: 'PUT', path, source })
  response.resume()
  return (header) => String(response.headers[header] ?? '')
}

/** What the answer's body brings within `durationMs`, at most `maxBytes` of it; it may go on for ever. */
export async function collectText(
  flags: ConnectionFlags,
  path: string,
  bounds: { readonly durationMs: number; readonly maxBytes: number },
): Promise<string> {
  const response = await exchange(flags, { method: 'GET', path })
  const timer = setTimeout(() => response.destroy(), bounds.durationMs)
  const pieces: Buffer[] = []
  let size = 0
  return new Promise((resolve) => {
    response.on('data', (piece: Buffer) => {
      size += piece.length
      if (size <= bounds.maxBytes) pieces.push(piece)
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      clearTimeout(timer)
      const cut = size > bounds.maxBytes ? `(${size - Buffer.concat(pieces).length} bytes left out)\n` : ''
      resolve(Buffer.concat(pieces).toString() + cut)
    })
  })
}

async function exchange(
  flags: ConnectionFlags,
  asked: { readonly method: string; readonly path: string; readonly source?: Readable },
): Promise<IncomingMessage> {
  const address = findAddress(flags, process.env)
  const token = findToken(flags, process.env, tokenScope(address))
  const { method, path, source } = asked
  const sent = openRequest(requestOptions(address, { method, path, token }))
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', (error: NodeJS.ErrnoException) => reject(unreachable(address, error)))
  })
  if (source === undefined) sent.end()
  // A refusal comes while the body is still being sent, and closes the connection: the answer says why.
  else pipeline(source, sent).catch(() => undefined)
  const response = await answered
  if ((response.statusCode ?? 0) < 300) return response
  const pieces: Buffer[] = []
  for await (const piece of response) pieces.push(piece as Buffer)
  throw refusalOfText(
    response.statusCode ?? 0,
    Buffer.concat(pieces).toString(),
    String(response.headers['x-mesh-reason'] ?? ''),
  )
}
