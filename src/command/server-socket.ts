/**
 * Talks to the server of this machine over its unix socket, for what must work before any agent is enrolled. Everything else
 * goes through an agent's HTTP API (client.ts).
 */
import type { AppliedValue, Command } from '../model/command.ts'
import { errorCatalogue, type Failure, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Queries, QueryName, ReadAnswer } from '../model/query.ts'
import { systemClock } from '../platform/clock.ts'
import type { Log, Metrics } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
import type { OperationAnswer, OperationName, Operations } from '../rpc/operator.ts'
import { type ConnectionFlags, findToken, usableSocket } from './connection.ts'
import { CommandFailure } from './failure.ts'

export interface ServerSocket {
  read<Name extends QueryName>(name: Name, args: Queries[Name]['args']): Promise<Result<ReadAnswer<Name>>>
  /** The same in another datacenter, where the operator of this one is nobody. */
  readAt<Name extends QueryName>(
    datacenter: string,
    name: Name,
    args: Queries[Name]['args'],
  ): Promise<Result<ReadAnswer<Name>>>
  write(command: Command): Promise<Result<{ readonly value: AppliedValue }>>
  operate<Name extends OperationName>(
    name: Name,
    args: Operations[Name]['args'],
    data?: Uint8Array,
  ): Promise<Result<Operations[Name]['answer']>>
  /** The same with the bytes that the answer brings. */
  operateWithData<Name extends OperationName>(
    name: Name,
    args: Operations[Name]['args'],
    data?: Uint8Array,
  ): Promise<Result<OperationAnswer<Name>>>
  close(): void
}

/** How long a starting or leaderless server is waited for. */
const holdTimeoutMs = 3_000

/** A command says what matters itself; what a client logs on the way would only repeat it. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
}
export const silentMetrics: Metrics = { count: () => undefined, gauge: () => undefined }

/** Undefined where another address was named, or no server of this machine may be reached by this user. */
export function findServerSocket(flags: ConnectionFlags): ServerSocket | undefined {
  if (flags.httpAddr || process.env['MESH_HTTP_ADDR'] || process.env['CONSUL_HTTP_ADDR']) return undefined
  const path = usableSocket(process.env, 'server', 'server.sock')
  if (path === undefined) return undefined
  const token = findToken(flags, process.env, 'operator')
  const client = createGrpcClient({
    servers: () => [`unix:${path}`],
    identity: () => ({ kind: 'pinned', pin: '' }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: silentMetrics,
    holdTimeoutMs,
  })
  const operateWithData: ServerSocket['operateWithData'] = (name, args, data) =>
    new Promise((resolve) => {
      client.operate({ name, args, token, data: data ?? new Uint8Array(0) }, resolve)
    })
  const options = { consistency: 'default', minIndex: 0, waitMs: limits.blockingDefaultMs } as const
  return {
    read: (name, args) => new Promise((resolve) => client.read({ name, args, options, token }, resolve)),
    readAt: (datacenter, name, args) =>
      new Promise((resolve) => client.read({ name, args, options, token: '', datacenter }, resolve)),
    write: (command) => new Promise((resolve) => client.write({ command, token }, resolve)),
    operate: async (name, args, data) => {
      const result = await operateWithData(name, args, data)
      return result.ok ? { ok: true, value: result.value.answer } : result
    },
    operateWithData,
    close: () => client.close(),
  }
}

/** The failure of a server in the words of its catalogue. */
export function failureOf(failure: Failure): CommandFailure {
  return new CommandFailure(`${failure.message} (${failure.code})`, {
    next: errorCatalogue[failure.code].remedy,
  })
}
