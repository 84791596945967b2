/** `mesh services register` and `deregister`: this host's registrations, through its agent. */
import { parseText } from '../wire/hcl/parse.ts'
import { plainObject } from '../wire/hcl/tree.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'

interface Definition {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** A service without a file, as scripts for Consul register it. */
export interface ServiceFlags {
  readonly name?: string
  readonly id?: string
  readonly port?: string
  readonly address?: string
  readonly tag?: readonly string[]
  readonly meta?: readonly string[]
}

/** The agent checks each definition by the rules of configuration files; what the first file says is sent first. */
export async function registerServices(
  context: Context,
  paths: readonly string[],
  flags: ServiceFlags = {},
): Promise<void> {
  for (const { path, body } of definitionsOf(context, paths, flags)) {
    const name = nameOf(body)
    if (name === '')
      throw new CommandFailure(`${path}: a service has no name`, { next: 'add `name = "..."` to it' })
    await context.client().ask('PUT', '/v1/agent/service/register', body)
    context.terminal.line(`Registered service: ${name}`)
  }
}

const flagNames = ['name', 'id', 'port', 'address', 'tag', 'meta'] as const

function definitionsOf(
  context: Context,
  paths: readonly string[],
  flags: ServiceFlags,
): readonly Definition[] {
  const given = flagNames.filter((name) => flags[name] !== undefined)
  if (paths.length > 0 && given.length > 0)
    throw new UsageFailure(`a file says all of a service: leave -${given[0]} away`)
  if (paths.length > 0) return readDefinitions(context, paths)
  if (flags.name === undefined)
    throw new UsageFailure('name a file, or the service with -name', 'mesh services register web.hcl')
  return [{ path: 'the command line', body: bodyOf(flags) }]
}

function bodyOf({ name, id, port, address, tag, meta }: ServiceFlags): Definition['body'] {
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageFailure(`-port ${port}: write a number`)
  const pairs = (meta ?? []).map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw new UsageFailure(`-meta ${pair}: write KEY=VALUE, such as version=2`)
    return [pair.slice(0, at), pair.slice(at + 1)] as const
  })
  return {
    name,
    ...(id === undefined ? {} : { id }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(address === undefined ? {} : { address }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(pairs.length === 0 ? {} : { meta: Object.fromEntries(pairs) }),
  }
}

function readDefinitions({ terminal }: Context, paths: readonly string[]): readonly Definition[] {
  return readSources(paths).flatMap(({ path, text }) => {
    const parsed = parseText(path, text)
    if (!parsed.ok) throw showMistakes(terminal, parsed.problems)
    const file = plainObject(parsed.value)
    const found = [file['service'], file['services']].flat().filter(isObject)
    if (found.length === 0)
      throw new CommandFailure(`${path} defines no service`, {
        next: 'write `service { name = "web" port = 8080 }` into it',
      })
    return found.map((body) => ({ path, body }))
  })
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function nameOf(body: Readonly<Record<string, unknown>>): string {
  const name = body['name'] ?? body['Name']
  return typeof name === 'string' ? name : ''
}

export async function deregisterServices(context: Context, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await context.client().ask('PUT', `/v1/agent/service/deregister/${encodeURIComponent(id)}`)
    context.terminal.line(`Deregistered service: ${id}`)
  }
}
