/** Model objects inside messages: JSON bytes, parsed and checked against a shape before anybody sees them. */
import type * as z from 'zod'
import { failed, ok, type Result } from '../model/errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

export const encodeJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** `what` names the thing in the error, which says where the shape was left but never repeats a value. */
export function decodeJson<Value>(bytes: Uint8Array, shape: z.ZodType<Value>, what: string): Result<Value> {
  const parsed = parseJson(bytes, what)
  return parsed.ok ? checkShape(parsed.value, shape, what) : parsed
}

export function parseJson(bytes: Uint8Array, what: string): Result<unknown> {
  try {
    return ok(JSON.parse(decoder.decode(bytes)))
  } catch {
    return failed('bad-request', `${what} is not JSON`)
  }
}

export function checkShape<Value>(value: unknown, shape: z.ZodType<Value>, what: string): Result<Value> {
  const checked = shape.safeParse(value)
  if (checked.success) return ok(checked.data)
  const issue = checked.error.issues[0]
  const place =
    issue === undefined || issue.path.length === 0 ? 'as a whole' : issue.path.slice(0, 8).join('.')
  return failed('bad-request', `${what} is not well formed at ${place.toWellFormed().slice(0, 200)}`)
}
