/**
 * The standard health question of gRPC (grpc.health.v1.Health/Check) behind the `Probes` port. Its two messages have one
 * field each, so they are written and read here: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { formatDuration } from '../model/duration.ts'
import type { Probes } from './ports.ts'
import { badAddress, parseAddress, tlsOptionsOf } from './probe-target.ts'

type HealthRequest = Parameters<Probes['grpcHealth']>[0]

const method = '/grpc.health.v1.Health/Check'
const userAgent = 'Consul Health Check'
/** Values of HealthCheckResponse.ServingStatus. */
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const

export const askGrpcHealth: Probes['grpcHealth'] = (request, timeoutMs, done) => {
  if (parseAddress(request.address) === undefined)
    return badAddress(request.address, (error) => done({ error: error ?? '' }))
  const client = clientFor(request)
  const deadline = Date.now() + timeoutMs
  client.makeUnaryRequest(
    method,
    encodeRequest,
    decodeStatus,
    request.service,
    new Metadata(),
    { deadline },
    (error: ServiceError | null, answer?: string) => {
      client.close()
      if (error === null) done({ status: answer ?? servingStatuses[0] })
      else done({ error: describe(error, timeoutMs) })
    },
  )
}

/** A connection of its own for each question: a check must see what a new client would see. */
function clientFor(request: HealthRequest): Client {
  const { rejectUnauthorized, servername } = tlsOptionsOf(request)
  const channel = request.useTls
    ? credentials.createSsl(null, null, null, { rejectUnauthorized })
    : credentials.createInsecure()
  return new Client(request.address, channel, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.primary_user_agent': userAgent,
    ...(request.useTls && servername !== undefined ? { 'grpc.ssl_target_name_override': servername } : {}),
  })
}

function describe(error: ServiceError, timeoutMs: number): string {
  if (error.code === status.DEADLINE_EXCEEDED) return `timed out after ${formatDuration(timeoutMs)}`
  return `rpc error: code = ${status[error.code] ?? error.code} desc = ${error.details}`
}

/** HealthCheckRequest { string service = 1 } */
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service)
  if (text.length === 0) return Buffer.alloc(0)
  return Buffer.concat([Buffer.from([0x0a, ...lengthBytes(text.length)]), text])
}

/** Names are at most 512 characters, so two bytes are enough for the length. */
function lengthBytes(length: number): readonly number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
}

/** HealthCheckResponse { ServingStatus status = 1 }; a field that is left out has its default, UNKNOWN. */
function decodeStatus(message: Buffer): string {
  const value = message[0] === 0x08 ? message[1] : 0
  return servingStatuses[value ?? 0] ?? String(value)
}
