/**
 * Changing intentions. The command ends when the proxies that serve the destination enforce the change, because only then
 * is it true; it names those that do not yet.
 */
import { parseDurationMs } from '../model/duration.ts'
import type { IntentionAction } from '../model/intention.ts'
import { limits } from '../model/limits.ts'
import type { Reply } from './client.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'

export interface Pair {
  readonly source: string
  readonly destination: string
}

export interface WaitOption {
  readonly wait: string
}

export interface EnforcementJson {
  readonly Destination: string
  readonly Index: number
  readonly Enforced: number
  readonly Total: number
  readonly WaitingFor: readonly string[]
}

export const pairQuery = ({ source, destination }: Pair): string =>
  `source=${encodeURIComponent(source)}&destination=${encodeURIComponent(destination)}`

const exactPath = (pair: Pair): string => `/v1/connect/intentions/exact?${pairQuery(pair)}`

/** True when every proxy enforces it. */
export async function setIntention(
  context: Context,
  change: Pair & { readonly action: IntentionAction },
  options: WaitOption & { readonly description?: string },
): Promise<boolean> {
  const waitMs = waitOf(options)
  const { source, destination, action } = change
  const reply = await context.client().ask('PUT', exactPath(change), {
    Action: action,
    ...(options.description === undefined ? {} : { Description: options.description }),
  })
  const done = `${action === 'allow' ? 'Allowed' : 'Denied'}: ${source} => ${destination}`
  return reportEnforcement(context, { done, destination, reply, waitMs })
}

/** True when every proxy enforces it. */
export async function deleteIntention(context: Context, pair: Pair, options: WaitOption): Promise<boolean> {
  const waitMs = waitOf(options)
  const client = context.client()
  if ((await client.find(exactPath(pair))) === undefined)
    throw new CommandFailure(`there is no intention ${pair.source} => ${pair.destination}`, {
      next: 'mesh intention list',
    })
  const reply = await client.ask('DELETE', exactPath(pair))
  const done = `Deleted: ${pair.source} => ${pair.destination}`
  return reportEnforcement(context, { done, destination: pair.destination, reply, waitMs })
}

export function waitOf({ wait }: WaitOption): number {
  const waitMs = parseDurationMs(wait)
  if (waitMs === undefined || waitMs < 0 || waitMs > limits.enforcementWaitMaxMs)
    throw new UsageFailure(`-wait ${wait}: write a duration from 0s to 60s, such as 5s or 500ms`)
  return waitMs
}

interface Written {
  /** What was done, for people. */
  readonly done: string
  readonly destination: string
  readonly reply: Reply
  readonly waitMs: number
}

async function reportEnforcement(context: Context, change: Written): Promise<boolean> {
  const { terminal } = context
  const { done, destination, waitMs } = change
  const index = change.reply.header('x-mesh-index')
  const state = await readEnforcement(context, { destination, index, waitMs })
  const complete = state.Enforced >= state.Total
  terminal.show({ Done: done, ...state }, () => {
    terminal.line(done)
    if (state.Total === 0)
      terminal.line(
        `enforced at index ${index}: no proxy serves ${destination === '*' ? 'anything' : destination} yet`,
      )
    else terminal.line(`enforced at index ${index} on ${state.Enforced} of ${state.Total} proxies`)
  })
  if (complete || waitMs === 0) return true
  const names = state.WaitingFor.length === 0 ? 'unnamed hosts' : state.WaitingFor.join(', ')
  terminal.note(`mesh: not enforced yet on: ${names}`)
  terminal.note(`Try: systemctl status mesh-agent mesh-proxy on ${state.WaitingFor[0] ?? 'those hosts'}`)
  return false
}

async function readEnforcement(
  context: Context,
  asked: { readonly destination: string; readonly index: string; readonly waitMs: number },
): Promise<EnforcementJson> {
  const wait = asked.waitMs === 0 ? '' : `&wait=${Math.ceil(asked.waitMs)}ms`
  const path = `/v1/mesh/enforcement/${encodeURIComponent(asked.destination)}?index=${asked.index}${wait}`
  return (await context.client().ask('GET', path)).json<EnforcementJson>()
}
