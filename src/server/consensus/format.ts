/**
 * The FORMAT file of the server's data directory: who wrote it and in which version. It is made last when a directory is
 * set up, so its absence beside a log means that something was lost.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Disk } from '../../platform/ports.ts'

export const formatPath = 'FORMAT'
export const formatVersion = 1

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const formatBytes = (): Uint8Array => encoder.encode(`mesh-agent server ${formatVersion}\n`)

/** The version that wrote the directory; undefined where it was never set up. */
export function readFormat(disk: Disk): Result<number | undefined> {
  const bytes = disk.read(formatPath)
  if (bytes === undefined) return ok(undefined)
  const match = /^mesh-agent server (\d{1,9})\n$/.exec(decoder.decode(bytes))
  if (match === null) return failed('log-damaged', `the file ${formatPath} of the data directory is damaged`)
  const version = Number(match[1])
  if (version > formatVersion)
    return failed(
      'format-too-new',
      `the data directory has format ${version}, this program knows formats up to ${formatVersion}`,
    )
  return ok(version)
}
