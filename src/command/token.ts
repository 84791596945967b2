/**
 * `mesh token create`: one line that lets one host, or with `-server` one server, in. Asks the server of this machine where there is one, because the
 * first token is needed before any agent is enrolled; else an agent.
 */
import { issueEnrollmentToken, type TokenRequest } from '../agent/api/enrollment-token.ts'
import { parseDurationMs } from '../model/duration.ts'
import { limits } from '../model/limits.ts'
import { systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import { formatTime } from '../wire/http-json/time.ts'
import { mayBe } from './allowed-services.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'
import { failureOf, findServerSocket, type ServerSocket } from './server-socket.ts'

export interface TokenOptions extends ConnectionFlags {
  readonly node?: string
  readonly service?: string
  readonly server?: true
  readonly ttl: string
  readonly quiet?: true
}

interface TokenJson {
  readonly Token: string
  readonly Node: string
  readonly Services: readonly string[]
  readonly Server: boolean
  readonly ExpiresAt: string
}

export async function createToken(context: Context, options: TokenOptions): Promise<void> {
  const { terminal } = context
  const request = requestOf(options)
  const server = findServerSocket(options)
  const made = server === undefined ? await askAgent(context, request) : await askServer(server, request)
  if (options.quiet === true) return terminal.line(made.Token)
  terminal.show(made, () => {
    terminal.line(made.Token)
    terminal.note('')
    const whom = made.Node === '' ? (made.Server ? 'any server' : 'any host') : made.Node
    terminal.note(`Good once, until ${made.ExpiresAt}, for ${whom}`)
    if (made.Server)
      terminal.note('It lets a server into the cluster, with all that servers know: keep it safe.')
    else terminal.note(`${mayBe(made.Services)}.`)
    const command = made.Server ? 'mesh enroll -server' : 'mesh enroll'
    terminal.note(`Carry it to the host as a file and type there: ${command} -token-file FILE`)
    // A here-string comes by standard input: other users of that host see no more than the command.
    terminal.note(`Or in one line, with the token in its place: ${command} <<< TOKEN`)
  })
}

function requestOf(options: TokenOptions): TokenRequest {
  const ttlMs = parseDurationMs(options.ttl)
  if (ttlMs === undefined || ttlMs < 1_000 || ttlMs > limits.enrollmentTtlMaxMs)
    throw new UsageFailure(`-ttl ${options.ttl}: write a duration from 1s to 720h, such as 24h`)
  const role = options.server === true ? 'server' : 'host'
  if (role === 'server' && options.service !== undefined)
    throw new UsageFailure('a token for a server names no services: leave -service away')
  return { node: options.node ?? '', services: servicesOf(options), role, ttlMs }
}

/** Without the flag the host may be nothing: what it may be is decided, not assumed. */
function servicesOf({ service }: TokenOptions): readonly string[] {
  if (service === undefined) return []
  const services = service
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (services.length === 0) throw new UsageFailure('-service names no service; * stands for any')
  return services
}

async function askAgent({ client }: Context, request: TokenRequest): Promise<TokenJson> {
  const { node: Node, services: Services, ttlMs } = request
  const body = { Node, Services, Server: request.role === 'server', TTL: `${ttlMs}ms` }
  return (await client().ask('PUT', '/v1/mesh/token', body)).json<TokenJson>()
}

async function askServer(server: ServerSocket, request: TokenRequest): Promise<TokenJson> {
  try {
    const issued = await issueEnrollmentToken(
      {
        join: async () => {
          const result = await server.read('mesh.join', {})
          return result.ok ? { ok: true, value: result.value.answer } : result
        },
        write: (command) => server.write(command),
        random: systemRandom,
        clock: systemClock,
      },
      request,
    )
    if (!issued.ok) throw failureOf(issued.failure)
    const { token, expiresAtMs } = issued.value
    return {
      Token: token,
      Node: request.node,
      Services: request.services,
      Server: request.role === 'server',
      ExpiresAt: formatTime(expiresAtMs),
    }
  } finally {
    server.close()
  }
}
