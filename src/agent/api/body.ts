/** The JSON body of a call. Whatever content type it was sent with, it is read as JSON, as Consul does. */
import type { Call } from './contract.ts'
import { ApiRefusal } from './refusal.ts'

export function jsonBody(call: Call): unknown {
  if (call.body.trim() === '')
    throw new ApiRefusal('bad-request', 'Request decode failed: EOF (the body is empty)')
  try {
    return JSON.parse(call.body)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ApiRefusal('bad-request', `Request decode failed: ${why}`)
  }
}
