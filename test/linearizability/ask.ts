// One HTTP request with a deadline over a kept connection, for clients under faults.
import { type Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface Target {
  readonly agent: Agent
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Ask {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** undefined: the connection failed or no whole answer came in time. */
export function ask({ agent, host, port, timeoutMs }: Target, asked: Ask): Promise<Reply | undefined> {
  return new Promise((resolve) => {
    const { method, path, headers, body } = asked
    const sent = request({ agent, host, port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
      })
      response.on('error', () => undefined)
      response.on('close', () => {
        clearTimeout(timer)
        const { complete, statusCode = 0, headers: answered } = response
        resolve(complete ? { status: statusCode, headers: answered, text } : undefined)
      })
    })
    const timer = setTimeout(() => sent.destroy(new Error('too late')), timeoutMs)
    sent.on('error', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
    sent.end(body)
  })
}
