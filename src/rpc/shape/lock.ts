/** Shapes of sessions and of the operations and results of transactions. The words are in model/session.ts and model/txn.ts. */
import * as z from 'zod'
import { isKvPrefix } from '../../model/kv.ts'
import { limits } from '../../model/limits.ts'
import type { Session } from '../../model/session.ts'
import {
  type CatalogOperation,
  catalogVerbs,
  type KvOperation,
  kvReadVerbs,
  kvWriteVerbs,
  type TxnError,
  type TxnOperation,
  type TxnResult,
} from '../../model/txn.ts'
import { checkShape, nodeShape, serviceShape } from './catalog.ts'
import { text, textList, wholeNumber } from './text.ts'

const rowIndexes = { createIndex: wholeNumber, modifyIndex: wholeNumber }

const sessionFields = {
  id: text,
  name: text,
  node: text,
  nodeChecks: textList,
  serviceChecks: textList,
  lockDelayMs: wholeNumber,
  behavior: z.enum(['release', 'delete']),
  ttl: text,
}

export const sessionShape = z.object(sessionFields) satisfies z.ZodType<Session>

export const sessionRowShape = z.object({ ...sessionFields, ...rowIndexes })

const kvOperation = z.object({
  kind: z.literal('kv'),
  verb: z.enum([...kvReadVerbs, ...kvWriteVerbs]),
  key: text.refine(isKvPrefix, 'is too long or has U+0000'),
  value: z.string(),
  flags: z.string(),
  index: wholeNumber,
  session: text,
}) satisfies z.ZodType<KvOperation>

const onRow = { verb: z.enum(catalogVerbs), index: wholeNumber }

const catalogOperation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('node'), ...onRow, node: nodeShape }),
  z.object({ kind: z.literal('service'), ...onRow, node: text, service: serviceShape }),
  z.object({ kind: z.literal('check'), ...onRow, check: checkShape }),
]) satisfies z.ZodType<CatalogOperation>

export const operationsShape: z.ZodType<readonly TxnOperation[]> = z
  .array(z.discriminatedUnion('kind', [kvOperation, catalogOperation]))
  .max(2 * limits.txnOperations)

const kvRow = z.object({
  key: text,
  value: z.string(),
  flags: z.string(),
  lockIndex: wholeNumber.exactOptional(),
  session: text.exactOptional(),
  ...rowIndexes,
})

export const txnResultShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('kv'), entry: kvRow }),
  z.object({ kind: z.literal('node'), node: nodeShape.extend(rowIndexes) }),
  z.object({ kind: z.literal('service'), service: serviceShape.extend(rowIndexes) }),
  z.object({ kind: z.literal('check'), check: checkShape.extend(rowIndexes) }),
]) satisfies z.ZodType<TxnResult>

export const txnErrorShape = z.object({ opIndex: wholeNumber, what: text }) satisfies z.ZodType<TxnError>
