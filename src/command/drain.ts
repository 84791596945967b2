/**
 * `mesh services drain`: takes instances of this host out of use without a failed request, and shows how far that is: who
 * knows of it, and how many connections are still open. The agent does it; this command only watches.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'
import { nearest } from './nearest.ts'

export interface DrainOptions {
  readonly host?: true
  readonly undo?: true
  readonly timeout?: string
  readonly reason?: string
}

interface Progress {
  readonly ServiceID: string
  readonly Phase: 'none' | 'leaving' | 'closing' | 'drained'
  readonly Proxies: number | null
  readonly Total: number | null
  readonly Open: number | null
  readonly Cut: number
  readonly LeftMs: number
}

/** One thing to drain, and where the agent knows it. */
interface Target {
  readonly label: string
  readonly path: string
}

const lookEveryMs = 200

/** Resolves to whether all connections ended by themselves. */
export async function drainServices(
  context: Context,
  name: string | undefined,
  options: DrainOptions,
): Promise<boolean> {
  if ((name === undefined) !== (options.host === true))
    throw new UsageFailure(
      'say what to drain: a service, or with -host all of this host',
      'mesh services drain NAME',
    )
  const targets = await targetsOf(context, name)
  if (options.undo === true) {
    for (const { label, path } of targets) {
      await context.client().ask('DELETE', path)
      context.terminal.line(`In use again: ${label}`)
    }
    return true
  }
  const done = await Promise.all(targets.map((target) => drainOne(context, target, options)))
  context.terminal.show(done, () => undefined)
  return done.every(({ Cut }) => Cut === 0)
}

async function targetsOf(context: Context, name: string | undefined): Promise<readonly Target[]> {
  if (name === undefined) return [{ label: 'this host', path: '/v1/mesh/drain/host' }]
  const rows = (await context.client().ask('GET', '/v1/agent/services')).json<
    Readonly<Record<string, { readonly Service: string; readonly Kind?: string }>>
  >()
  const ids = Object.hasOwn(rows, name)
    ? [name]
    : Object.keys(rows).filter((id) => rows[id]?.Service === name && (rows[id]?.Kind ?? '') === '')
  if (ids.length === 0) throw await notHere(context.client(), name, rows)
  return ids.map((id) => ({ label: id, path: `/v1/mesh/drain/service/${encodeURIComponent(id)}` }))
}

async function notHere(
  client: Client,
  name: string,
  rows: Readonly<Record<string, { readonly Service: string }>>,
): Promise<CommandFailure> {
  const here = [...Object.keys(rows), ...Object.values(rows).map(({ Service }) => Service)]
  const reply = await client.find(`/v1/catalog/service/${encodeURIComponent(name)}`)
  const others = [
    ...new Set((reply?.json<readonly { readonly Node: string }[]>() ?? []).map(({ Node }) => Node)),
  ]
  if (others.length > 0)
    return new CommandFailure(`"${name}" runs on ${others.slice(0, 5).join(', ')} and not on this host`, {
      next: `mesh services drain ${name}  (on that host)`,
    })
  const guess = nearest(name, here)
  return new CommandFailure(`this host has no service "${name}"`, {
    next: guess === undefined ? 'mesh services' : `mesh services drain ${guess}`,
  })
}

async function drainOne(context: Context, { label, path }: Target, options: DrainOptions): Promise<Progress> {
  const query = new URLSearchParams({
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  })
  const client = context.client()
  let progress = (await client.ask('PUT', `${path}?${query}`)).json<Progress>()
  say(context, `${label}: out of balancing and DNS`)
  let said = ''
  while (progress.Phase !== 'drained') {
    if (progress.Phase === 'none') throw new CommandFailure(`${label} was put back into use meanwhile`)
    await pause(lookEveryMs)
    progress = (await client.ask('GET', path)).json<Progress>()
    const now = stateText(progress)
    if (now !== said && now !== '') say(context, `${label}: ${now}${leftText(progress)}`)
    said = now
  }
  const end =
    progress.Cut === 0 ? 'no connection was cut' : `${connections(progress.Cut)} cut at the deadline`
  say(context, `${label}: drained, ${end}`)
  return progress
}

function say({ terminal }: Context, text: string): void {
  if (terminal.form === 'json') terminal.note(text)
  else terminal.line(text)
}

function stateText({ Proxies, Total, Open, Phase }: Progress): string {
  const known =
    Proxies === null
      ? []
      : [Total === 0 ? 'no proxy balances over it' : `drained on ${Proxies} of ${Total ?? 0} proxies`]
  const open = Open === null || Phase === 'leaving' ? [] : [`${connections(Open)} open`]
  return [...known, ...open].join(', ')
}

function leftText({ Open, LeftMs }: Progress): string {
  return Open === null || Open === 0 ? '' : `, ${Math.ceil(LeftMs / 1_000)}s left`
}

const connections = (count: number): string => `${count} ${count === 1 ? 'connection' : 'connections'}`
