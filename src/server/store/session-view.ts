/** Reading sessions at one log index, in order of id. */
import type { Session } from '../../model/session.ts'
import { key1 } from './keys.ts'
import type { Row } from './row.ts'
import type { View } from './view.ts'

export const sessionIn = (view: View, id: string): Row<Session> | undefined =>
  view.tables.sessions.get(key1(id))

export const sessionsIn = (view: View): Iterable<Row<Session>> => view.tables.sessions.scan()

export const sessionsOfNode = (view: View, node: string): Iterable<Row<Session>> =>
  view.tables.sessionsByNode.scan(key1(node))
