/** Prepared queries do not exist in this version: every request learns by status and code that it asks for nothing. */
import type { Action, Endpoint } from './contract.ts'
import { refusalOf } from './refusal.ts'

function refuse(): never {
  throw refusalOf({ code: 'no-prepared-queries', message: 'this version has no prepared queries' })
}

const read: Action = { need: 'read', run: refuse }
const write: Action = { need: 'operate', run: refuse }

export const preparedQueryEndpoints: readonly Endpoint[] = [
  { path: '/v1/query', actions: { GET: read, POST: write } },
  { path: '/v1/query/*', actions: { GET: read, PUT: write, DELETE: write } },
]
