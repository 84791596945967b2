/** `mesh services register` and `deregister`: this host's registrations, through its agent. */
import { parseText } from '../wire/hcl/parse.ts'
import { plainObject } from '../wire/hcl/tree.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'

interface Definition {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** The agent checks each definition by the rules of configuration files; what the first file says is sent first. */
export async function registerServices(context: Context, paths: readonly string[]): Promise<void> {
  for (const { path, body } of readDefinitions(context, paths)) {
    const name = nameOf(body)
    if (name === '')
      throw new CommandFailure(`${path}: a service has no name`, { next: 'add `name = "..."` to it' })
    await context.client().ask('PUT', '/v1/agent/service/register', body)
    context.terminal.line(`Registered service: ${name}`)
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
