/**
 * Refusals on their way to a client: a status, a text and a code. Consul's clients read the text, so known sentences
 * stay as they are; what is our own carries the remedy and the code that `mesh explain` knows.
 */
import { type ErrorCode, errorCatalogue, type Failure, MeshError, type Result } from '../../model/errors.ts'

export class ApiRefusal extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, text: string, headers: Readonly<Record<string, string>> = {}) {
    super(text)
    this.name = 'ApiRefusal'
    this.code = code
    this.status = errorCatalogue[code].status
    this.headers = headers
  }
}

/** The client closed its connection: nobody is there to read an answer. */
export class ClientGone extends Error {}

/** Sentences by which Consul's clients recognise a kind of failure. */
const consulPrefixes: Partial<Readonly<Record<ErrorCode, string>>> = {
  'no-leader': 'No cluster leader: ',
  'no-server': 'No known Consul servers: ',
  'no-token': 'Permission denied: ',
  'bad-token': 'Permission denied: ',
  'not-enrolled': 'Permission denied: ',
  'service-not-allowed': 'Permission denied: ',
  'service-not-registered': 'Permission denied: ',
}

/** "Permission denied: what exactly. What to do. (code)" */
export function failureText(failure: Failure): string {
  const { remedy } = errorCatalogue[failure.code]
  const sentence = failure.message.replace(/[.\s]+$/, '')
  return `${consulPrefixes[failure.code] ?? ''}${sentence}. ${remedy} (${failure.code})`
}

export function refusalOf(failure: Failure): ApiRefusal {
  return new ApiRefusal(failure.code, failureText(failure))
}

/** The value, or a thrown refusal. */
export function accept<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value
  throw refusalOf(result.failure)
}

/** The value, or a refusal that shows the message alone, because clients match on it. */
export function acceptPlain<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value
  throw new ApiRefusal(result.failure.code, result.failure.message)
}

/** Turns whatever a handler threw into a refusal; `undefined` where nobody is left to answer. */
export function refusalFrom(error: unknown): ApiRefusal | undefined {
  if (error instanceof ApiRefusal) return error
  if (error instanceof ClientGone) return undefined
  if (error instanceof MeshError) return refusalOf(error.failure)
  return refusalOf({ code: 'internal', message: 'the agent failed to answer this request' })
}
