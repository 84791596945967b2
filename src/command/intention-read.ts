/**
 * Looking at intentions. `check` decides with the same function as every proxy, from the same rules, and names the rule.
 */

import { unreachable } from '../model/errors.ts'
import { decide, type IntentionAction } from '../model/intention.ts'
import type { IntentionJson } from '../wire/http-json/intention.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'
import { type Pair, pairQuery } from './intention.ts'

export async function listIntentions({ client, terminal }: Context): Promise<void> {
  const list = (await client().ask('GET', '/v1/connect/intentions')).json<readonly IntentionJson[]>()
  terminal.show(list, () =>
    terminal.table(
      ['source', 'action', 'destination', 'precedence', 'description'],
      list.map((row) => [
        row.SourceName,
        row.Action,
        row.DestinationName,
        String(row.Precedence),
        row.Description,
      ]),
    ),
  )
}

export async function getIntention({ client, terminal }: Context, pair: Pair): Promise<void> {
  const reply = await client().find(`/v1/connect/intentions/exact?${pairQuery(pair)}`)
  if (reply === undefined)
    throw new CommandFailure(`there is no intention ${pair.source} => ${pair.destination}`, {
      next: `mesh intention check ${pair.source} ${pair.destination}`,
    })
  const row = reply.json<IntentionJson>()
  terminal.show(row, () => {
    terminal.line(`${row.SourceName} => ${row.DestinationName}: ${row.Action}`)
    terminal.line(`id           ${row.ID}`)
    terminal.line(`precedence   ${row.Precedence}`)
    terminal.line(`description  ${row.Description === '' ? '-' : row.Description}`)
    terminal.line(`created      ${row.CreatedAt}`)
    terminal.line(`updated      ${row.UpdatedAt}`)
  })
}

/** True when the call is allowed. */
export async function checkIntention({ client, terminal }: Context, pair: Pair): Promise<boolean> {
  const { source, destination } = pair
  const path = `/v1/connect/intentions/match?by=destination&name=${encodeURIComponent(destination)}`
  const reply = await client().ask('GET', path)
  const rows = reply.json<Readonly<Record<string, readonly IntentionJson[]>>>()[destination] ?? []
  const rules = rows.map((row) => ({
    sourceName: row.SourceName,
    destinationName: row.DestinationName,
    action: row.Action,
  }))
  const byDefault: IntentionAction =
    reply.header('x-consul-default-acl-policy') === 'allow' ? 'allow' : 'deny'
  const decision = decide(rules, source, destination, byDefault)
  terminal.show({ Allowed: decision.allowed, Reason: decision.reason, Rule: decision.rule ?? null }, () =>
    terminal.line(`${decision.allowed ? 'Allowed' : 'Denied'}: ${source} => ${destination}, ${reasonText()}`),
  )
  return decision.allowed

  function reasonText(): string {
    const rule = decision.rule
    switch (decision.reason) {
      case 'allowed-by-intention':
      case 'denied-by-intention':
        return `by intention ${rule?.sourceName} => ${rule?.destinationName}`
      case 'allowed-by-default':
        return 'no intention matches and the mesh allows by default'
      case 'denied-by-default':
        return 'no intention matches and the mesh denies by default'
      default:
        return unreachable(decision.reason)
    }
  }
}
