/** Shapes of the arguments of each query, and of what an answer says about itself. */
import * as z from 'zod'
import { compileFilter } from '../../model/filter/compile.ts'
import { isKvPrefix } from '../../model/kv.ts'
import type { Queries, QueryName, ReadMeta, ReadOptions } from '../../model/query.ts'
import { catalogServiceFields } from '../../wire/http-json/filter-fields.ts'
import { configKindShape } from './intention.ts'
import { operationsShape } from './lock.ts'
import { flag, text, textList, textMap, wholeNumber } from './text.ts'

const nothing = z.object({})
const serviceRowFilter = text.refine(
  (filter) => compileFilter(filter, catalogServiceFields).ok,
  'is no filter of service rows',
)
/** U+0000 ends keys inside the store, so with one in it a prefix would find what it is not the beginning of. */
const kvPrefix = text.refine(isKvPrefix, 'is too long or has U+0000')
const serviceFilter = z.object({ service: text, tags: textList, nodeMeta: textMap })

/** One entry per query: a query without a shape does not compile. */
export const queryShapes: { readonly [Name in QueryName]: z.ZodType<Queries[Name]['args']> } = {
  'catalog.datacenters': nothing,
  'catalog.nodes': z.object({ nodeMeta: textMap }),
  'catalog.services': z.object({ nodeMeta: textMap, filter: serviceRowFilter.exactOptional() }),
  'catalog.service': serviceFilter,
  'catalog.mesh': serviceFilter,
  'catalog.node': z.object({ node: text }),
  'catalog.address': z.object({ address: text }),
  'intentions.list': nothing,
  'intentions.exact': z.object({ source: text, destination: text }),
  'intentions.match': z.object({ by: z.enum(['source', 'destination']), names: textList.max(1_024) }),
  'intentions.check': z.object({ source: text, destination: text }),
  'intentions.enforcement': z.object({ destination: text, index: wholeNumber }),
  'config.get': z.object({ kind: configKindShape, name: text }),
  'config.list': z.object({ kind: configKindShape }),
  'kv.get': z.object({ key: kvPrefix }),
  'kv.list': z.object({ prefix: kvPrefix }),
  'kv.keys': z.object({ prefix: kvPrefix, separator: text }),
  'session.info': z.object({ id: text }),
  'session.list': nothing,
  'session.node': z.object({ node: text }),
  'txn.read': z.object({ operations: operationsShape }),
  'ca.roots': nothing,
  'health.state': z.object({
    state: z.enum(['any', 'passing', 'warning', 'critical']),
    nodeMeta: textMap,
  }),
  'mesh.services': nothing,
  'mesh.members': nothing,
  'mesh.neighbours': z.object({ node: text }),
  'mesh.join': nothing,
  'federation.facts': nothing,
  'federation.members': nothing,
  'mesh.principal': nothing,
  'status.leader': nothing,
  'status.peers': nothing,
}

export function isQueryName(name: string): name is QueryName {
  return Object.hasOwn(queryShapes, name)
}

export const readOptionsShape = z.object({
  consistency: z.enum(['default', 'consistent', 'stale']),
  minIndex: wholeNumber,
  waitMs: wholeNumber,
}) satisfies z.ZodType<ReadOptions>

export const readMetaShape = z.object({
  index: wholeNumber,
  knownLeader: flag,
  lastContactMs: wholeNumber,
  effective: z.enum(['leader', 'stale', 'consistent']),
}) satisfies z.ZodType<ReadMeta>
