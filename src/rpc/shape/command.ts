/**
 * Shapes of the commands that may arrive by RPC. Some are missing on purpose: what only servers propose, such as
 * `genesis`, `enrollment.redeem` and `kv.reap`, no peer can bring in, whatever token it holds.
 */
import * as z from 'zod'
import type { Command } from '../../model/command.ts'
import { checkShape, nodeShape, serviceShape } from './catalog.ts'
import { actionShape, configEntryShape, configKindShape } from './intention.ts'
import { operationsShape, sessionShape } from './lock.ts'
import { flag, text, textList, textMap, wholeNumber } from './text.ts'

/** A command that a peer may send. */
export type RemoteCommand = Exclude<
  Command,
  {
    readonly type:
      | 'genesis'
      | 'enrollment.redeem'
      | 'enrollment.redeem-server'
      | 'kv.reap'
      | 'feature.raise'
      | 'server.announce'
      | 'autopilot.set'
      | 'gossip-keys.set'
      | `root.${'add' | 'remove'}`
      | `datacenter.${'federate' | 'set'}`
      | `${'restore' | 'verify'}.${string}`
  }
>

const lockFields = { key: text, value: z.string(), flags: z.string(), session: text }

const shapes = {
  'settings.set': z.object({
    type: z.literal('settings.set'),
    settings: z.object({ defaultIntentionAction: actionShape }),
  }),
  'catalog.register': z.object({
    type: z.literal('catalog.register'),
    node: z.union([text, nodeShape]),
    services: z.array(serviceShape),
    checks: z.array(checkShape),
  }),
  'catalog.deregister': z.object({
    type: z.literal('catalog.deregister'),
    node: text,
    serviceId: text.exactOptional(),
    checkId: text.exactOptional(),
  }),
  'config-entry.upsert': z.object({
    type: z.literal('config-entry.upsert'),
    entry: configEntryShape,
    casIndex: wholeNumber.exactOptional(),
  }),
  'config-entry.delete': z.object({
    type: z.literal('config-entry.delete'),
    kind: configKindShape,
    name: text,
    casIndex: wholeNumber.exactOptional(),
  }),
  'intention.upsert': z.object({
    type: z.literal('intention.upsert'),
    id: text,
    sourceName: text,
    destinationName: text,
    action: actionShape,
    description: text,
    meta: textMap,
  }),
  'intention.delete': z.object({
    type: z.literal('intention.delete'),
    sourceName: text,
    destinationName: text,
  }),
  'kv.set': z.object({
    type: z.literal('kv.set'),
    key: text,
    value: z.string(),
    flags: z.string(),
    casIndex: wholeNumber.exactOptional(),
  }),
  'kv.delete': z.object({
    type: z.literal('kv.delete'),
    key: text,
    recurse: flag,
    casIndex: wholeNumber.exactOptional(),
  }),
  'kv.lock': z.object({ type: z.literal('kv.lock'), ...lockFields }),
  'kv.unlock': z.object({ type: z.literal('kv.unlock'), ...lockFields }),
  'session.create': z.object({ type: z.literal('session.create'), session: sessionShape }),
  'session.destroy': z.object({ type: z.literal('session.destroy'), id: text }),
  'session.renew': z.object({ type: z.literal('session.renew'), id: text }),
  txn: z.object({ type: z.literal('txn'), operations: operationsShape }),
  'host.evict': z.object({ type: z.literal('host.evict'), node: text }),
  'root.activate': z.object({ type: z.literal('root.activate'), id: text }),
  'datacenter.remove': z.object({ type: z.literal('datacenter.remove'), name: text }),
  'enrollment.create': z.object({
    type: z.literal('enrollment.create'),
    enrollment: z.object({
      tokenHash: z.string().regex(/^[0-9a-f]{64}$/),
      node: text,
      services: textList,
      expiresAtMs: wholeNumber,
      createdBy: text,
      role: z.enum(['host', 'server', 'datacenter']).exactOptional(),
    }),
  }),
} satisfies { [Type in RemoteCommand['type']]: z.ZodType<Extract<RemoteCommand, { readonly type: Type }>> }

export const commandShape: z.ZodType<RemoteCommand> = z.discriminatedUnion('type', [
  shapes['settings.set'],
  shapes['catalog.register'],
  shapes['catalog.deregister'],
  shapes['config-entry.upsert'],
  shapes['config-entry.delete'],
  shapes['intention.upsert'],
  shapes['intention.delete'],
  shapes['kv.set'],
  shapes['kv.delete'],
  shapes['kv.lock'],
  shapes['kv.unlock'],
  shapes['session.create'],
  shapes['session.destroy'],
  shapes['session.renew'],
  shapes.txn,
  shapes['datacenter.remove'],
  shapes['host.evict'],
  shapes['root.activate'],
  shapes['enrollment.create'],
])
