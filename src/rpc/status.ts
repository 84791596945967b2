/**
 * Failures of the contract as gRPC statuses and back. Our code travels in a trailer of its own, because gRPC's sixteen
 * are too few to name a remedy; the status is for tools that know only gRPC.
 */
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import { type ErrorCode, type Failure, isErrorCode } from '../model/errors.ts'
import { limits } from '../model/limits.ts'

const codeTrailer = 'mesh-code'

const statusOf: { readonly [Code in ErrorCode]?: status } = {
  'bad-request': status.INVALID_ARGUMENT,
  'invalid-service': status.INVALID_ARGUMENT,
  'invalid-config': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'no-token': status.UNAUTHENTICATED,
  'bad-token': status.PERMISSION_DENIED,
  'not-enrolled': status.UNAUTHENTICATED,
  'service-not-allowed': status.PERMISSION_DENIED,
  'service-not-registered': status.FAILED_PRECONDITION,
  'token-unknown': status.UNAUTHENTICATED,
  'token-used': status.UNAUTHENTICATED,
  'token-expired': status.UNAUTHENTICATED,
  'node-name-taken': status.ALREADY_EXISTS,
  'host-evicted': status.PERMISSION_DENIED,
  conflict: status.ABORTED,
  'no-leader': status.FAILED_PRECONDITION,
  overloaded: status.RESOURCE_EXHAUSTED,
  'too-large': status.OUT_OF_RANGE,
  'wrong-cluster': status.PERMISSION_DENIED,
  'version-mismatch': status.FAILED_PRECONDITION,
  'unsupported-feature': status.UNIMPLEMENTED,
}

/** Never `UNAVAILABLE`: that one means that the connection was lost, and a caller may act on the difference. */
export function statusOfFailure(failure: Failure): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const metadata = new Metadata()
  metadata.set(codeTrailer, failure.code)
  // Well formed, because the library calls encodeURI, which throws on half a surrogate pair.
  const details = failure.message.toWellFormed().slice(0, limits.rpcMessageChars).toWellFormed()
  return { code: statusOf[failure.code] ?? status.INTERNAL, details, metadata }
}

/**
 * The failure that a peer reported, or undefined where the call ended without an answer: the connection was lost, or
 * the deadline passed, and nobody knows how far the call came.
 */
export function failureOfStatus(
  error: Pick<ServiceError, 'code' | 'details' | 'metadata'>,
): Failure | undefined {
  const code = error.metadata?.get(codeTrailer)[0]
  if (typeof code === 'string') return { code: isErrorCode(code) ? code : 'internal', message: error.details }
  switch (error.code) {
    case status.RESOURCE_EXHAUSTED:
    case status.OUT_OF_RANGE:
      return { code: 'too-large', message: `a message is over its limit: ${error.details}` }
    case status.UNIMPLEMENTED:
      return { code: 'unsupported-feature', message: 'the server does not know this call; it may be older' }
    default:
      return undefined
  }
}
