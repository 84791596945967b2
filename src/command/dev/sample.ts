/**
 * The sample services of the quickstart: two tiny HTTP servers that say who they are. `web` also has `/backend`, which
 * asks its upstream and shows what came back, so that a browser can see the mesh at work.
 */
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'

export interface SampleOptions {
  readonly name: string
  /** `host:port`. */
  readonly listen: string
  /** Upstream to ask at `/backend`, `host:port`; '' for none. */
  readonly upstream: string
}

/** Serves until the process gets SIGTERM. */
export function runSample(options: SampleOptions): Promise<number> {
  const server = createServer((request, response) => answer(options, request, response))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const [host, port] = options.listen.split(':')
    server.listen(Number(port), host)
    process.once('SIGTERM', () => {
      server.close(() => resolve(0))
      server.closeAllConnections()
    })
  })
}

function answer(options: SampleOptions, request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/health') {
    response.end('ok\n')
  } else if (request.url === '/backend' && options.upstream !== '') {
    const [host, port] = options.upstream.split(':')
    const call = get({ host, port, path: '/', agent: false }, (reply) => {
      response.statusCode = reply.statusCode ?? 502
      reply.pipe(response)
    })
    call.on('error', (error) => {
      response.statusCode = 502
      response.end(`${options.name}: my upstream backend refused me: ${error.message}\n`)
    })
  } else {
    response.end(`hello from ${options.name}\n`)
  }
}
