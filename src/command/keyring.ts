/** `mesh keygen`, `mesh keyring`: keys that hosts encrypt their gossip with. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { KeyringJson } from '../wire/http-json/keyring.ts'
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'

/** AES-256, the strongest that gossip has. */
const keyBytes = 32

export function makeKey({ terminal }: Pick<Context, 'terminal'>): void {
  terminal.line(randomBytes(keyBytes).toString('base64'))
}

export interface KeyringOptions {
  readonly list?: true
  readonly install?: string
  readonly use?: string
  readonly remove?: string
  readonly relayFactor?: string
}

const changes = {
  install: { method: 'POST', said: 'installed on all hosts' },
  use: { method: 'PUT', said: 'in use on all hosts' },
  remove: { method: 'DELETE', said: 'removed from all hosts' },
} as const

export async function changeKeyring(context: Context, options: KeyringOptions): Promise<void> {
  const asked = (['install', 'use', 'remove'] as const).filter((name) => options[name] !== undefined)
  const [operation] = asked
  if (asked.length + (options.list === true ? 1 : 0) !== 1)
    throw new UsageFailure('say one of -list, -install, -use and -remove', 'mesh keyring -list')
  const query = options.relayFactor === undefined ? '' : `?relay-factor=${options.relayFactor}`
  const path = `/v1/operator/keyring${query}`
  if (operation === undefined) return listKeys(context, path)
  const { method, said } = changes[operation]
  const given = options[operation] ?? ''
  const key = given === '-' ? readFileSync(0, 'utf8').trim() : given
  await context.client().ask(method, path, { Key: key })
  context.terminal.line(`The key is ${said}`)
}

async function listKeys({ client, terminal }: Context, path: string): Promise<void> {
  const rings = (await client().ask('GET', path)).json<readonly KeyringJson[]>()
  terminal.show(rings, () => {
    for (const { Keys, PrimaryKeys, NumNodes, Messages } of rings) {
      terminal.table(
        ['key', 'installed', 'in use'],
        Object.entries(Keys).map(([key, count]) => [
          key,
          `${count}/${NumNodes}`,
          `${PrimaryKeys[key] ?? 0}/${NumNodes}`,
        ]),
      )
      for (const [node, why] of Object.entries(Messages)) terminal.note(`${node}: ${why}`)
    }
  })
}
