/**
 * `mesh ca rotate` and `mesh ca remove`: another root for the certificates of services, without a connection that fails. The
 * new one signs only when every proxy has said that it trusts it; the old one stays trusted until it is removed.
 */
import type { CaRootListJson } from '../wire/http-json/authority.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { type EnforcementJson, type WaitOption, waitOf } from './intention.ts'

export interface RotateOptions extends WaitOption {
  readonly force?: true
}

interface Prepared {
  readonly ID: string
  readonly Index: number
}

const trustPath = '/v1/mesh/enforcement/roots%3A'

export async function rotateRoot(context: Context, options: RotateOptions): Promise<void> {
  const waitMs = waitOf(options)
  const { terminal } = context
  const client = context.client()
  const before = await activeRoot(context)
  const prepared = (await client.ask('PUT', '/v1/mesh/ca/root')).json<Prepared>()
  say(
    context,
    `New root ${shortId(prepared.ID)} is trusted from index ${prepared.Index} on; it signs nothing yet`,
  )
  const trust = await acknowledged(context, prepared.Index, waitMs)
  say(context, `acknowledged by ${trust.Enforced} of ${trust.Total} proxies`)
  if (trust.Enforced < trust.Total && options.force !== true) throw notTrusted(trust)
  await client.ask('PUT', `/v1/mesh/ca/root/${encodeURIComponent(prepared.ID)}`)
  terminal.show({ Active: prepared.ID, Retired: before, ...trust }, () => {
    terminal.line(
      `Root ${shortId(prepared.ID)} signs from now on; hosts replace their certificates within a minute`,
    )
    terminal.line(`The old root ${shortId(before)} stays trusted. When its last certificate has ended:`)
    terminal.line(`  mesh ca remove ${before}`)
  })
}

export async function removeRoot(
  context: Context,
  id: string,
  options: { readonly force?: true },
): Promise<void> {
  const found = await rootOf(context, id)
  const force = options.force === true ? '?force' : ''
  const reply = await context.client().ask('DELETE', `/v1/mesh/ca/root/${encodeURIComponent(found)}${force}`)
  context.terminal.show({ Removed: found }, () =>
    context.terminal.line(`Removed: root ${shortId(found)}, at index ${reply.header('x-mesh-index')}`),
  )
}

/** Asks again as the count goes up, so that an operator sees how far it is. */
async function acknowledged(context: Context, index: number, waitMs: number): Promise<EnforcementJson> {
  const wait = waitMs === 0 ? '' : `&wait=${Math.ceil(waitMs)}ms`
  return (await context.client().ask('GET', `${trustPath}?index=${index}${wait}`)).json<EnforcementJson>()
}

function notTrusted({ WaitingFor }: EnforcementJson): CommandFailure {
  const names = WaitingFor.length === 0 ? 'unnamed hosts' : WaitingFor.join(', ')
  return new CommandFailure(
    `proxies on these hosts would refuse certificates of the new root: ${names}; nothing was changed for services`,
    { next: 'mesh ca rotate  (again, it goes on where it was; with -force without them)' },
  )
}

async function activeRoot(context: Context): Promise<string> {
  return (await rootsOf(context)).ActiveRootID
}

/** An id may be shortened to its beginning, as long as it names one. */
async function rootOf(context: Context, id: string): Promise<string> {
  const ids = (await rootsOf(context)).Roots.map(({ ID }) => ID)
  const [found, second] = ids.filter((each) => each.startsWith(id.toLowerCase()))
  if (found !== undefined && second === undefined) return found
  throw new CommandFailure(
    found === undefined ? `there is no root ${id}` : `more than one root begins with ${id}`,
    { next: 'mesh ca roots' },
  )
}

async function rootsOf(context: Context): Promise<CaRootListJson> {
  return (await context.client().ask('GET', '/v1/connect/ca/roots')).json<CaRootListJson>()
}

const shortId = (id: string): string => id.slice(0, 11)

function say({ terminal }: Context, text: string): void {
  if (terminal.form === 'json') terminal.note(text)
  else terminal.line(text)
}
