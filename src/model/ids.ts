/**
 * Branded numbers and names: values that must not be mixed up although they are all numbers or strings.
 *
 * Terms and log indexes are plain numbers (exact to 2^53: at a million writes a second that lasts 285 years);
 * only values that a client chooses, such as `?index=` and KV flags, need BigInt, and those stay in `wire/`.
 */
declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }

/** A Raft election term; 0 means "before the first election". */
export type Term = Brand<number, 'Term'>
/** A position in the Raft log; the first entry has index 1, 0 means "nothing". */
export type LogIndex = Brand<number, 'LogIndex'>
/** A server's or host's stable identity: a lower-case UUID, never reused. */
export type NodeId = Brand<string, 'NodeId'>

export const term = (value: number): Term => value as Term
export const logIndex = (value: number): LogIndex => value as LogIndex
export const nodeId = (value: string): NodeId => value as NodeId

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}

/** Formats 16 random bytes as a version 4 UUID (RFC 9562, section 5.4). */
export function uuidFromBytes(bytes: Uint8Array): string {
  const b = Uint8Array.from(bytes.subarray(0, 16))
  b[6] = ((b[6] ?? 0) & 0x0f) | 0x40
  b[8] = ((b[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(b, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
