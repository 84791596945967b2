/**
 * Transactions over HTTP, as Consul has them: reference/consul.md 1.8. One that only looks is a read, as fresh as asked; any
 * other is one write. Where an operation cannot be done nothing is, and the answer is a 409 that says which.
 */
import { limits } from '../../model/limits.ts'
import type { ReadMeta } from '../../model/query.ts'
import { isReadOperation, type TxnError, type TxnOperation, type TxnResult } from '../../model/txn.ts'
import { parseTxnBody, txnErrorJson, txnResultJson } from '../../wire/http-json/txn.ts'
import { admit } from '../access/caller.ts'
import { clusterWrite, plainRead, written } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { whereOf } from './parameters.ts'
import { ApiRefusal, accept, acceptPlain } from './refusal.ts'

/** Whoever may read may send a transaction; one that writes the server judges. */
export const txnEndpoints: readonly Endpoint[] = [
  { path: '/v1/txn', actions: { PUT: { need: 'read', run: txn } } },
]

function txn(api: Api, call: Call): Promise<Answer> {
  const datacenter = whereOf(call.query, api.settings.datacenter)
  const operations = acceptPlain(parseTxnBody(call.body, datacenter))
  if (operations.length > limits.txnOperations)
    throw new ApiRefusal(
      'too-large',
      `Transaction contains too many operations (${operations.length} > ${limits.txnOperations})`,
    )
  if (operations.every(isReadOperation)) return look(api, call, operations)
  accept(admit(call.caller, 'operate'))
  return write(api, call, operations)
}

async function look(api: Api, call: Call, operations: readonly TxnOperation[]): Promise<Answer> {
  const { answer, meta } = await plainRead(api, call, 'txn.read', { operations })
  const body = outcomeJson(api, call, answer)
  return { status: statusOf(answer.errors), json: { ...body, ...metaJson(meta) }, meta }
}

async function write(api: Api, call: Call, operations: readonly TxnOperation[]): Promise<Answer> {
  const done = await clusterWrite(api, call, { type: 'txn', operations })
  const { value } = done
  const results = value.kind === 'txn' ? value.results : []
  const errors = value.kind === 'rolled-back' ? value.errors : []
  return { status: statusOf(errors), ...written(outcomeJson(api, call, { results, errors }), done) }
}

const statusOf = (errors: readonly TxnError[]): number => (errors.length === 0 ? 200 : 409)

function outcomeJson(
  api: Api,
  call: Call,
  { results, errors }: { readonly results: readonly TxnResult[]; readonly errors: readonly TxnError[] },
): object {
  const datacenter = whereOf(call.query, api.settings.datacenter)
  return {
    Results: errors.length > 0 ? null : results.map((result) => txnResultJson(result, datacenter)),
    Errors: errors.length > 0 ? errors.map(txnErrorJson) : null,
  }
}

/** What other reads say in headers. */
function metaJson({ index, lastContactMs, knownLeader, effective }: ReadMeta): object {
  return {
    Index: Math.max(1, index),
    LastContact: Math.round(lastContactMs * 1e6),
    KnownLeader: knownLeader,
    ConsistencyLevel: effective,
  }
}
