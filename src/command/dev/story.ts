/**
 * The story of the quickstart, told with proof: a call that nothing allows is refused, an intention lets it through, a
 * deny cuts what is open and refuses what is new, an allow restores it. Each proof comes from the side that would know:
 * the answer from the caller, the peer's identity from the far proxy's log.
 */
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { LocalMesh } from './mesh.ts'
import { until } from './program.ts'
import type { Screen } from './screen.ts'

const upstream = { host: '127.0.0.1', port: 9191 } as const

/** Fails with what was seen instead, when a step does not show what it should. */
export async function tellStory(mesh: LocalMesh, screen: Screen): Promise<void> {
  screen.title('the story: may web call backend?')
  await refused(mesh, screen, {
    step: '1. nothing was decided yet, and the mesh denies by default',
    code: 'denied-by-default',
  })
  await decide(mesh, screen, { step: '2. the operator allows it', action: 'allow' })
  await passes(mesh, screen)
  const open = await openConnection()
  await decide(mesh, screen, { step: '3. the operator denies it', action: 'deny' })
  await cut(open, screen)
  await refused(mesh, screen, { step: '', code: 'denied-by-intention' })
  await decide(mesh, screen, { step: '4. and allows it again', action: 'allow' })
  await passes(mesh, screen)
  screen.line('')
}

interface Call {
  readonly status: number
  readonly body: string
}

/** One request to backend as web would make it: to its upstream port. */
function call(): Promise<Call | Error> {
  return new Promise((resolve) => {
    const request = get({ ...upstream, path: '/', agent: false }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString().trim() }),
      )
      response.on('error', resolve)
    })
    request.on('error', resolve)
  })
}

async function decide(
  mesh: LocalMesh,
  screen: Screen,
  { step, action }: { readonly step: string; readonly action: 'allow' | 'deny' },
): Promise<void> {
  const args = ['intention', action, 'web', 'backend']
  const said = await mesh.cli(args, mesh.hostEnvironment(mesh.host('alpha')))
  screen.line(`  ${step}\n     $ mesh ${args.join(' ')}`)
  for (const line of said.trim().split('\n')) screen.line(`     ${line}`)
}

async function passes(mesh: LocalMesh, screen: Screen): Promise<void> {
  const before = farLines(mesh).length
  const answer = await call()
  if (answer instanceof Error || answer.status !== 200)
    throw new Error(
      `web should reach backend, but: ${answer instanceof Error ? answer.message : answer.status}`,
    )
  screen.line(`     web calls backend: status ${answer.status}, "${answer.body}"`)
  showPeer(screen, await farLine(mesh, before, (line) => line['code'] === 'closed'))
}

async function refused(
  mesh: LocalMesh,
  screen: Screen,
  { step, code }: { readonly step: string; readonly code: string },
): Promise<void> {
  const before = farLines(mesh).length
  const answer = await call()
  if (!(answer instanceof Error))
    throw new Error(`web should be refused (${code}), but got status ${answer.status}`)
  const line = await farLine(mesh, before, (seen) => seen['code'] === code)
  if (step !== '') screen.line(`  ${step}`)
  screen.line(`     web calls backend: ${answer.message}`)
  screen.line(`     reason code: ${String(line['code'])}`)
  showPeer(screen, line)
}

function showPeer(screen: Screen, line: Readonly<Record<string, unknown>>): void {
  screen.line(`     seen by backend's proxy: ${String(line['peerUri'])} over ${String(line['tlsVersion'])}`)
}

function openConnection(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(upstream)
    socket.once('error', reject)
    // A request line without its end: the service waits, the connection stays open.
    socket.once('connect', () => socket.write('GET / HTTP/1.1\r\n', () => resolve(socket)))
  })
}

async function cut(socket: Socket, screen: Screen): Promise<void> {
  const ended = { it: socket.closed }
  socket.on('error', () => undefined)
  socket.on('close', () => {
    ended.it = true
  })
  socket.resume()
  await until('the open connection to be cut', () => (ended.it ? true : undefined), { timeoutMs: 5_000 })
  screen.line('     the connection that was open: cut')
}

/** Lines of the log of backend's proxy that tell of a connection. */
function farLines(mesh: LocalMesh): readonly Readonly<Record<string, unknown>>[] {
  return readFileSync(join(mesh.plan.directory, 'beta/proxy.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"direction":"inbound"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

function farLine(
  mesh: LocalMesh,
  after: number,
  matches: (line: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  return until('the far proxy to log the connection', () => farLines(mesh).slice(after).find(matches), {
    timeoutMs: 5_000,
  })
}
