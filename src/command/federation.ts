/**
 * `mesh federation`: tokens for other datacenters, joining one, the list of them. Asks the server of this machine, because it is
 * servers that federate, and its operator who decides it.
 */
import { issueEnrollmentToken } from '../agent/api/enrollment-token.ts'
import { parseDurationMs } from '../model/duration.ts'
import { limits } from '../model/limits.ts'
import { systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import { formatTime } from '../wire/http-json/time.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { readToken, required } from './enrollment.ts'
import { CommandFailure, UsageFailure } from './failure.ts'
import { findServerSocket, type ServerSocket } from './server-socket.ts'

export async function makeFederationToken(
  { terminal }: Context,
  options: ConnectionFlags & { readonly ttl: string; readonly quiet?: true },
): Promise<void> {
  const ttlMs = parseDurationMs(options.ttl)
  if (ttlMs === undefined || ttlMs < 1_000 || ttlMs > limits.enrollmentTtlMaxMs)
    throw new UsageFailure(`-ttl ${options.ttl}: write a duration from 1s to 720h, such as 24h`)
  const { token, expiresAtMs } = await withServer(options, async (server) => {
    const facts = required(await server.read('federation.facts', {})).answer
    if (facts.primary !== facts.own.name)
      throw new CommandFailure(`this datacenter is a secondary of "${facts.primary}"`, {
        next: `mesh federation token, on a server of ${facts.primary}`,
      })
    const join = async () => {
      const result = await server.read('mesh.join', {})
      // Servers of another datacenter may have to take another way than hosts of this one.
      const { servers } = facts.own
      return result.ok ? { ok: true as const, value: { ...result.value.answer, servers } } : result
    }
    const issuer = {
      join,
      write: (command: Parameters<ServerSocket['write']>[0]) => server.write(command),
      random: systemRandom,
      clock: systemClock,
    }
    return required(await issueEnrollmentToken(issuer, { node: '', services: [], role: 'datacenter', ttlMs }))
  })
  if (options.quiet === true) return terminal.line(token)
  terminal.show({ Token: token, ExpiresAt: formatTime(expiresAtMs) }, () => {
    terminal.line(token)
    terminal.note('')
    terminal.note(
      `Good once, until ${formatTime(expiresAtMs)}. Both datacenters will trust each other's services.`,
    )
    terminal.note('Carry it to a server of the other datacenter as a file and type there:')
    terminal.note('mesh federation join -enrollment-token-file FILE')
  })
}

export async function joinFederation(
  context: Context,
  options: ConnectionFlags & {
    readonly enrollmentTokenFile?: string
    readonly replaceIntentions?: true
  },
): Promise<void> {
  const token = await readToken(context, options.enrollmentTokenFile)
  const args = { replaceEntries: options.replaceIntentions === true }
  const { datacenter } = await withServer(options, async (server) =>
    required(await server.operate('federation.join', args, Buffer.from(token))),
  )
  const { terminal } = context
  terminal.show({ Primary: datacenter }, () => {
    terminal.line(`Joined: ${datacenter} is the primary datacenter of this one now`)
    terminal.note('Intentions are copied from there. See `mesh federation list`.')
  })
}

interface DatacenterJson {
  readonly Name: string
  readonly Role: 'primary' | 'secondary'
  readonly IsThisOne: boolean
  readonly Servers: readonly string[]
  /** 'yes', or why not. */
  readonly Reached: string
}

export async function listDatacenters({ terminal }: Context, options: ConnectionFlags): Promise<void> {
  const shown = await withServer(options, async (server): Promise<readonly DatacenterJson[]> => {
    const { own, others, primary } = required(await server.read('federation.facts', {})).answer
    const role = (name: string): DatacenterJson['Role'] => (name === primary ? 'primary' : 'secondary')
    const reached = await Promise.all(others.map(({ name }) => server.readAt(name, 'status.leader', {})))
    const here = {
      Name: own.name,
      Role: role(own.name),
      IsThisOne: true,
      Servers: own.servers,
      Reached: 'yes',
    }
    const afar = others.map(({ name, servers }, at) => {
      const result = reached[at]
      const Reached = result?.ok === true ? 'yes' : (result?.failure.message ?? 'no')
      return { Name: name, Role: role(name), IsThisOne: false, Servers: servers, Reached }
    })
    return [here, ...afar]
  })
  terminal.show(shown, () =>
    terminal.table(
      ['datacenter', 'role', 'servers', 'reached'],
      shown.map((each) => [
        each.IsThisOne ? `${each.Name} (this one)` : each.Name,
        each.Role,
        each.Servers.join(', '),
        each.Reached,
      ]),
    ),
  )
}

export async function removeDatacenter(
  { terminal }: Context,
  name: string,
  options: ConnectionFlags,
): Promise<void> {
  const { value } = await withServer(options, async (server) =>
    required(await server.write({ type: 'datacenter.remove', name })),
  )
  if (value.kind === 'unchanged') throw new CommandFailure(`no datacenter "${name}" is known here`)
  terminal.line(`Removed: ${name} is trusted no more`)
  terminal.note('Do the same on its side.')
}

async function withServer<Value>(
  flags: ConnectionFlags,
  use: (server: ServerSocket) => Promise<Value>,
): Promise<Value> {
  const server = findServerSocket(flags)
  if (server === undefined)
    throw new CommandFailure(
      'datacenters are connected by their servers, and no server of this machine is reached',
      {
        next: 'the same on a server, as a member of its group',
      },
    )
  try {
    return await use(server)
  } finally {
    server.close()
  }
}
