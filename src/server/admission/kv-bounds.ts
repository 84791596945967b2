/** Size and form of writes to the key-value store, checked before they are proposed. */
import { failed, ok, type Result } from '../../model/errors.ts'
import { base64Bytes, isFlags, isKvKey, isKvPrefix, type KvContent } from '../../model/kv.ts'
import { limits } from '../../model/limits.ts'
import type { CommandOf } from '../apply/outcome.ts'

export function checkKvSet({ key, value, flags }: KvContent): Result<true> {
  const named = checkKey(key, isKvKey(key))
  if (!named.ok) return named
  if (!isFlags(flags)) return failed('bad-request', 'flags are a whole number from 0 to 2^64-1, as text')
  const bytes = base64Bytes(value)
  if (bytes === undefined) return failed('bad-request', 'a value travels as base64')
  if (bytes <= limits.kvValueBytes) return ok(true)
  return failed('too-large', `the value has ${bytes} bytes, the limit is ${limits.kvValueBytes}`)
}

export function checkKvDelete({ key, recurse, casIndex }: CommandOf<'kv.delete'>): Result<true> {
  if (recurse && casIndex !== undefined)
    return failed('bad-request', 'a deletion of many keys cannot hang on one index')
  return checkKey(key, recurse ? isKvPrefix(key) : isKvKey(key))
}

function checkKey(key: string, sound: boolean): Result<true> {
  if (sound) return ok(true)
  if (key.length > limits.kvKeyChars)
    return failed('too-large', `the key has ${key.length} characters, the limit is ${limits.kvKeyChars}`)
  return failed('bad-request', key === '' ? 'Missing key name' : 'a key cannot contain U+0000')
}
