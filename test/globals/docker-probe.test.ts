// A program in a container, asked of an engine that speaks as the API's documentation says. Changes DOCKER_HOST.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { ProcessResult } from '../../src/platform/ports.ts'
import { systemProbes } from '../../src/platform/probes.ts'

const cleanups: (() => void)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
  delete process.env['DOCKER_HOST']
})

function execute(host: string, timeoutMs = 20_000): Promise<ProcessResult> {
  process.env['DOCKER_HOST'] = host
  const inside = { container: 'web-1', args: ['/bin/check', 'x'] }
  return new Promise((resolve) => systemProbes.execute(inside, { timeoutMs, outputMaxBytes: 12 }, resolve))
}

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

interface EngineOptions {
  /** Undefined: the program never ends. */
  readonly exitCode?: number
  /** The container that it knows. */
  readonly container?: string
}

async function engine({ exitCode, container = 'web-1' }: EngineOptions): Promise<{
  readonly host: string
  readonly seen: readonly string[]
}> {
  const seen: string[] = []
  const answer = (response: ServerResponse, code: number, body: object): void => {
    response.writeHead(code, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  const run = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' })
    const output = Buffer.concat([frame(1, 'all '), frame(2, 'is not well')])
    response.write(output.subarray(0, 5))
    response.write(output.subarray(5))
    if (exitCode !== undefined) response.end()
  }
  const handle = ({ url }: IncomingMessage, response: ServerResponse): void => {
    if (url === `/containers/${container}/exec`) answer(response, 201, { Id: 'e1' })
    else if (url === '/exec/e1/start') run(response)
    else if (url === '/exec/e1/json') answer(response, 200, { Running: false, ExitCode: exitCode })
    else answer(response, 404, { message: 'No such container: web-1' })
  }
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${Buffer.concat(pieces)}`)
      handle(request, response)
    })
  })
  const folder = mkdtempSync(join(tmpdir(), 'mesh-docker-'))
  const path = join(folder, 'docker.sock')
  server.listen(path)
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { host: `unix://${path}`, seen }
}

test('runs the program in the container and gives its exit status and its bounded output', async () => {
  const { host, seen } = await engine({ exitCode: 1 })
  expect(await execute(host)).toEqual({ exitCode: 1, timedOut: false, output: 'all is not w' })
  expect(seen[0]).toContain('"Cmd":["/bin/check","x"]')
})

test('says so where the container is unknown, the program hangs, or there is no engine', async () => {
  const other = await engine({ exitCode: 0, container: 'other' })
  expect(await execute(other.host)).toEqual({
    exitCode: undefined,
    timedOut: false,
    output: 'the container engine answered 404: No such container: web-1',
  })
  const hangs = await engine({})
  expect(await execute(hangs.host, 300)).toEqual({
    exitCode: undefined,
    timedOut: true,
    output: 'all is not w',
  })
  expect((await execute('unix:///nonexistent/docker.sock')).output).toMatch(
    /^no container engine answers at \/nonexistent\/docker\.sock: .*ENOENT/,
  )
  expect((await execute('ssh://x')).output).toBe(
    'DOCKER_HOST is "ssh://x"; unix:///path and tcp://host:port are understood',
  )
})
