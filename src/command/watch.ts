/**
 * `mesh watch`: shows a part of the mesh whenever it changes, or runs a program with it. One blocking read after another,
 * as reference/consul.md 1.3 tells: an index that went backwards, after a restore, begins anew.
 */
import { spawn } from 'node:child_process'
import type { Client, Reply } from './client.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'
import { nearest } from './nearest.ts'

export interface WatchOptions {
  readonly type?: string
  readonly key?: string
  readonly prefix?: string
  readonly service?: string
  readonly tag?: string
  readonly passingonly?: true
  readonly state?: string
  readonly name?: string
  readonly once?: true
}

type PathOf = (options: WatchOptions) => string

const named = (value: string | undefined, flag: string, type: string): string => {
  if (value === undefined || value === '')
    throw new UsageFailure(`-type ${type} needs -${flag}`, `mesh watch -type ${type} -${flag} NAME`)
  return encodeURIComponent(value)
}

const pathsByType: Readonly<Record<string, PathOf>> = {
  key: ({ key }) => `/v1/kv/${named(key, 'key', 'key')}?`,
  keyprefix: ({ prefix }) => `/v1/kv/${named(prefix, 'prefix', 'keyprefix')}?recurse&`,
  services: () => '/v1/catalog/services?',
  nodes: () => '/v1/catalog/nodes?',
  service: ({ service, tag, passingonly }) =>
    `/v1/health/service/${named(service, 'service', 'service')}?${tag === undefined ? '' : `tag=${encodeURIComponent(tag)}&`}${passingonly === true ? 'passing&' : ''}`,
  checks: ({ service, state }) =>
    service === undefined
      ? `/v1/health/state/${encodeURIComponent(state ?? 'any')}?`
      : `/v1/health/checks/${encodeURIComponent(service)}?`,
  event: ({ name }) => `/v1/event/list?${name === undefined ? '' : `name=${encodeURIComponent(name)}&`}`,
}

export const watchTypes: readonly string[] = Object.keys(pathsByType)

/** The exit status: of the program with `-once`, else 0; without an end but Ctrl-C. */
export async function watch(
  context: Context,
  command: readonly string[],
  options: WatchOptions,
): Promise<number> {
  const path = pathOf(options)
  const client = context.client()
  let reply = await client.look(path.replace(/[?&]$/, ''))
  for (;;) {
    const status = await handle(context, command, reply)
    if (options.once === true) return status
    reply = await nextChange(context, client, { path, seen: reply })
  }
}

function pathOf(options: WatchOptions): string {
  const { type, service, state } = options
  if (type === undefined)
    throw new UsageFailure(
      `say what to watch with -type: ${watchTypes.join(', ')}`,
      'mesh watch -type services',
    )
  const path = Object.hasOwn(pathsByType, type) ? pathsByType[type] : undefined
  if (path === undefined) {
    const guess = nearest(type, watchTypes)
    throw new UsageFailure(
      `there is no type "${type}" to watch; there are: ${watchTypes.join(', ')}`,
      guess === undefined ? '' : `mesh watch -type ${guess}`,
    )
  }
  if (type === 'checks' && service !== undefined && state !== undefined)
    throw new UsageFailure('-service and -state exclude each other')
  return path(options)
}

const waitText = '5m'
const firstPauseMs = 1_000
const longestPauseMs = 60_000

/** Waits until the answer differs from `seen`; an agent that is away is asked again, ever more rarely. */
async function nextChange(
  { terminal }: Context,
  client: Client,
  { path, seen }: { readonly path: string; readonly seen: Reply },
): Promise<Reply> {
  let index = indexOf(seen)
  let pauseMs = firstPauseMs
  for (;;)
    try {
      const reply = await client.look(`${path}index=${index}&wait=${waitText}`)
      const now = indexOf(reply)
      index = now < index ? 0 : now
      pauseMs = firstPauseMs
      if (reply.text !== seen.text) return reply
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      terminal.note(`mesh: ${error.message}; asking again in ${pauseMs / 1_000} s`)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
}

function indexOf(reply: Reply): number {
  const index = Number(reply.header('x-consul-index'))
  return Number.isSafeInteger(index) && index > 0 ? index : 1
}

/** Shows the answer, or gives it to the program; null stands for what is not there. */
async function handle({ terminal }: Context, command: readonly string[], reply: Reply): Promise<number> {
  const text = reply.status === 404 ? 'null' : reply.text.trim()
  if (command.length === 0) {
    terminal.line(JSON.stringify(JSON.parse(text), null, 2))
    return 0
  }
  const status = await runHandler(command, text, reply.header('x-consul-index'))
  if (status !== 0) terminal.note(`mesh: ${command.join(' ')} ended with status ${status}`)
  return status
}

/** A single word is a line for the shell, as in Consul; several are a program with its arguments. */
function runHandler(command: readonly string[], input: string, index: string): Promise<number> {
  const [first = '', ...rest] = command
  const [program, args] = rest.length === 0 ? ['/bin/sh', ['-c', first]] : [first, rest]
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, CONSUL_INDEX: index, MESH_INDEX: index },
    })
    child.on('error', (error) =>
      reject(new CommandFailure(`${program} cannot be run: ${systemReason(error)}`)),
    )
    child.on('close', (status, signal) => resolve(signal === null ? (status ?? 1) : 1))
    // A program may end without reading what it is given.
    child.stdin.on('error', () => undefined)
    child.stdin.end(`${input}\n`)
  })
}
