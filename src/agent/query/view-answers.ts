/** Answers that the agent's own views hold, in the shape that a server would give. Pure. */
import type { Queries, QueryName, ServiceFilter } from '../../model/query.ts'
import type { ServiceEntry } from '../../model/service.ts'
import type { Subject, Topic } from '../../model/topic.ts'
import type { View } from '../contract.ts'

/** How one query is answered from the one view that it is about. */
interface FromView<Name extends QueryName> {
  readonly subject: (args: Queries[Name]['args']) => Subject
  readonly answer: (args: Queries[Name]['args'], view: View) => Queries[Name]['answer'] | undefined
}

const fromViews: { readonly [Name in QueryName]?: FromView<Name> } = {
  'ca.roots': {
    subject: () => ({ topic: 'roots', key: '' }),
    answer: (_, { bodies: [body], index }) => {
      if (body?.topic !== 'roots') return undefined
      const rows = body.roots.map((root) => ({ ...root, createIndex: index, modifyIndex: index }))
      const active = rows.find((root) => root.active)
      return { activeRootId: active?.id ?? '', trustDomain: body.trustDomain, roots: rows }
    },
  },
  'catalog.mesh': instances('mesh-health'),
  'catalog.service': instances('service-health'),
}

function instances(
  topic: Extract<Topic, 'mesh-health' | 'service-health'>,
): FromView<'catalog.service'> & FromView<'catalog.mesh'> {
  return {
    subject: ({ service }) => ({ topic, key: service }),
    answer: (filter, { bodies }) =>
      bodies
        .flatMap((body) => ('op' in body && body.op === 'upsert' ? [body.entry] : []))
        .filter((entry) => matches(entry, filter)),
  }
}

function matches({ node, service }: ServiceEntry, { tags, nodeMeta }: ServiceFilter): boolean {
  const own = new Set(service.tags.map((tag) => tag.toLowerCase()))
  return (
    tags.every((tag) => own.has(tag.toLowerCase())) &&
    Object.entries(nodeMeta).every(([key, value]) => node.meta[key] === value)
  )
}

/** The view that a query is about; undefined for queries that only servers answer. */
export function subjectOf<Name extends QueryName>(
  name: Name,
  args: Queries[Name]['args'],
): Subject | undefined {
  const way = fromViews[name] as FromView<Name> | undefined
  return way?.subject(args)
}

export function answerFrom<Name extends QueryName>(
  name: Name,
  args: Queries[Name]['args'],
  view: View,
): Queries[Name]['answer'] | undefined {
  const way = fromViews[name] as FromView<Name> | undefined
  return way?.answer(args, view)
}
