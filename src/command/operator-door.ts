/**
 * How an operator's command reaches the cluster: by the socket of this machine's server where there is one, because that
 * works without an agent and without a leader; else through an agent's HTTP API, with the same answers.
 */
import type { OperationName, Operations } from '../rpc/operator.ts'
import type { Reply } from './client.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { failureOf, findServerSocket } from './server-socket.ts'

export interface Question<Name extends OperationName> {
  readonly name: Name
  readonly args: Operations[Name]['args']
  /** The same over HTTP. */
  readonly http: {
    readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
    readonly path: string
    readonly body?: unknown
  }
}

/** What a command makes of the answer, from either side. */
export interface Reading<Name extends OperationName, Json> {
  readonly ofServer: (answer: Operations[Name]['answer']) => Json
  readonly ofAgent: (reply: Reply) => Json
}

export async function askCluster<Name extends OperationName, Json>(
  { client }: Context,
  flags: ConnectionFlags,
  question: Question<Name>,
  reading: Reading<Name, Json>,
): Promise<Json> {
  const server = findServerSocket(flags)
  if (server === undefined) {
    const { method, path, body } = question.http
    return reading.ofAgent(await client().ask(method, path, body))
  }
  try {
    const result = await server.operate(question.name, question.args)
    if (!result.ok) throw failureOf(result.failure)
    return reading.ofServer(result.value)
  } finally {
    server.close()
  }
}
