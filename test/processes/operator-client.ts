// An operator's RPC client at one server's unix socket: for tests that write and read more than a command line could.
import { join } from 'node:path'
import type { Result } from '../../src/model/errors.ts'
import type { Consistency, Queries, QueryName, ReadAnswer } from '../../src/model/query.ts'
import { systemClock } from '../../src/platform/clock.ts'
import type { Log, Metrics } from '../../src/platform/ports.ts'
import { systemRandom } from '../../src/platform/random.ts'
import type { WriteRequest } from '../../src/rpc/contract.ts'
import { createGrpcClient, type GrpcClient } from '../../src/rpc/grpc-client.ts'
import type { OperationAnswer, OperationName, Operations } from '../../src/rpc/operator.ts'
import type { ServerProcess } from './three-servers.ts'

const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
}
const silentMetrics: Metrics = { count: () => undefined, gauge: () => undefined }

export class OperatorClient {
  readonly #client: GrpcClient
  readonly #token: string

  constructor(server: ServerProcess, token: string, holdTimeoutMs = 3_000) {
    const address = `unix:${join(server.directory, 'run/server.sock')}`
    this.#token = token
    this.#client = createGrpcClient({
      servers: () => [address],
      identity: () => ({ kind: 'pinned', pin: '' }),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      metrics: silentMetrics,
      holdTimeoutMs,
    })
  }

  write(command: WriteRequest['command']): Promise<Result<{ readonly index: number }>> {
    return new Promise((resolve) => this.#client.write({ command, token: this.#token }, resolve))
  }

  read<Name extends QueryName>(
    name: Name,
    args: Queries[Name]['args'],
    consistency: Consistency = 'default',
  ): Promise<Result<ReadAnswer<Name>>> {
    const options = { consistency, minIndex: 0, waitMs: 0 }
    return new Promise((resolve) => this.#client.read({ name, args, options, token: this.#token }, resolve))
  }

  operate<Name extends OperationName>(
    name: Name,
    args: Operations[Name]['args'],
  ): Promise<Result<OperationAnswer<Name>>> {
    const request = { name, args, token: this.#token, data: new Uint8Array(0) }
    return new Promise((resolve) => this.#client.operate(request, resolve))
  }

  close(): void {
    this.#client.close()
  }
}
