/** Queries about sessions: one, all, or those of one node. */
import type { Queries } from '../../model/query.ts'
import { nodeSessionsRow, sessionRow, tableRow } from '../store/indexes.ts'
import { sessionIn, sessionsIn, sessionsOfNode } from '../store/session-view.ts'
import type { View } from '../store/view.ts'
import { collect, type Plan, single } from './plan.ts'

type Answer<Name extends keyof Queries> = Queries[Name]['answer']
type Args<Name extends keyof Queries> = Queries[Name]['args']

export function planSession(view: View, { id }: Args<'session.info'>): Plan<Answer<'session.info'>> {
  const touched = [sessionRow(id)]
  const session = sessionIn(view, id)
  return {
    index: view.indexOf(touched),
    touched,
    exists: session !== undefined,
    read: () => single(session ?? null),
  }
}

export function planSessions(view: View): Plan<Answer<'session.list'>> {
  const touched = [tableRow('sessions')]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => collect(sessionsIn(view), () => true),
  }
}

export function planNodeSessions(view: View, { node }: Args<'session.node'>): Plan<Answer<'session.node'>> {
  const row = nodeSessionsRow(node)
  return {
    index: view.indexOf([row]),
    touched: [row],
    exists: view.has(row),
    read: () => collect(sessionsOfNode(view, node), () => true),
  }
}
