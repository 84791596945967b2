/**
 * Envelope of a log entry as bytes: one version byte, then JSON.
 *
 * JSON because entries outlive the code that wrote them: fields may be added without a schema registry, and an operator
 * can read a log with what every machine has. `JSON.parse` is native, so this is not slower than a binary codec here.
 */
import type { Envelope } from '../model/command.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import { newestStoreVersion, oldestStoreVersion } from '../model/feature.ts'
import { limits } from '../model/limits.ts'

const knownVersions = `${oldestStoreVersion} to ${newestStoreVersion}`
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeEnvelope(envelope: Envelope): Result<Uint8Array> {
  const body = encoder.encode(JSON.stringify(envelope))
  if (body.length + 1 > limits.commandBytes)
    return failed('too-large', `the change is ${body.length} bytes, the limit is ${limits.commandBytes}`)
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = envelope.version
  bytes.set(body, 1)
  return ok(bytes)
}

/** Entries come from our own log, whose frames carry a checksum: only the version can be foreign here. */
export function decodeEnvelope(bytes: Uint8Array): Result<Envelope> {
  const version = bytes[0] ?? 0
  if (version < oldestStoreVersion || version > newestStoreVersion)
    return failed(
      'version-mismatch',
      `log entry has command version ${version}, this program knows ${knownVersions}; run a newer version`,
    )
  return ok(JSON.parse(decoder.decode(bytes.subarray(1))) as Envelope)
}
