/**
 * What clients write and read: intentions, config entries and keys with their conditions, services of hosts without an
 * agent. For each: how it is written, how it is asked for, and which value an answer shows.
 */
import type { Command } from '../../src/model/command.ts'
import type { IntentionAction } from '../../src/model/intention.ts'
import type { Queries, QueryName } from '../../src/model/query.ts'
import { aNode, aService, aSidecar } from '../unit/store/rows.ts'

/** One thing that can be written and read: how, and what a read says about it. */
export interface Subject<Name extends QueryName = QueryName> {
  readonly key: string
  readonly query: Name
  readonly args: Queries[Name]['args']
  /** The value that an answer shows, and the index of its row; null where the thing is not there. */
  readonly valueIn: (
    answer: Queries[Name]['answer'],
  ) => { readonly value: string; readonly index: number } | null
  readonly put: (value: string, casIndex: number | undefined) => Command
  readonly remove: () => Command
  readonly hasCas: boolean
}

/** Rules for every destination concern every host, so they are written more rarely than others. */
const pairs = [
  ['web', 'db'],
  ['api', 'db'],
  ['*', 'db'],
  ['web', 'elsewhere'],
  ['*', 'elsewhere'],
  ['api', '*'],
] as const
const actions: readonly IntentionAction[] = ['allow', 'deny']

const intentionSubjects = pairs.map(
  ([source, destination]): Subject<'intentions.exact'> => ({
    key: `intention ${source}>${destination}`,
    query: 'intentions.exact',
    args: { source, destination },
    valueIn: (row) => (row === null ? null : { value: row.description, index: row.modifyIndex }),
    put: (value) => ({
      type: 'intention.upsert',
      id: `${source}-${destination}`,
      sourceName: source,
      destinationName: destination,
      action: actions[value.length % 2] ?? 'deny',
      description: value,
      meta: {},
    }),
    remove: () => ({ type: 'intention.delete', sourceName: source, destinationName: destination }),
    hasCas: false,
  }),
)

const entrySubjects = ['cfg-1', 'cfg-2', 'cfg-3'].map(
  (name): Subject<'config.get'> => ({
    key: `entry ${name}`,
    query: 'config.get',
    args: { kind: 'service-intentions', name },
    valueIn: (row) =>
      row === null ? null : { value: row.sources[0]?.description ?? '', index: row.modifyIndex },
    put: (value, casIndex) => ({
      type: 'config-entry.upsert',
      entry: {
        kind: 'service-intentions',
        name,
        meta: {},
        sources: [{ name: 'web', action: 'deny', description: value, precedence: 0 }],
      },
      ...(casIndex === undefined ? {} : { casIndex }),
    }),
    remove: () => ({ type: 'config-entry.delete', kind: 'service-intentions', name }),
    hasCas: true,
  }),
)

const externalNodes = ['ext-1', 'ext-2', 'ext-3'] as const

const serviceSubjects = externalNodes.flatMap((node) =>
  ['s1', 's2'].map(
    (id): Subject<'catalog.node'> => ({
      key: `service ${node}/${id}`,
      query: 'catalog.node',
      args: { node },
      valueIn: (answer) => {
        const service = answer?.services.find((one) => one.id === id)
        return service === undefined
          ? null
          : { value: service.meta['value'] ?? '', index: service.modifyIndex }
      },
      put: (value) => ({
        type: 'catalog.register',
        node: aNode(node, { id: '' }),
        services: [
          id === 's2' ? aSidecar('web2', { id, meta: { value } }) : aService('db', { id, meta: { value } }),
        ],
        checks: [],
      }),
      remove: () => ({ type: 'catalog.deregister', node, serviceId: id }),
      hasCas: false,
    }),
  ),
)

const keySubjects = ['settings', 'settings/web', 'settings/web/port'].map(
  (key): Subject<'kv.get'> => ({
    key: `key ${key}`,
    query: 'kv.get',
    args: { key },
    valueIn: (row) => (row === null ? null : { value: atob(row.value), index: row.modifyIndex }),
    put: (value, casIndex) => ({
      type: 'kv.set',
      key,
      value: btoa(value),
      flags: '0',
      ...(casIndex === undefined ? {} : { casIndex }),
    }),
    remove: () => ({ type: 'kv.delete', key, recurse: false }),
    hasCas: true,
  }),
)

/** Everything that clients write and read. */
export const subjects: readonly Subject[] = [
  ...intentionSubjects,
  ...entrySubjects,
  ...serviceSubjects,
  ...keySubjects,
].map((subject) => subject as Subject)
