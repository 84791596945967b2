/**
 * The FORMAT file of the server's data directory: who wrote it and in which form. It is made last when a directory is
 * set up, so its absence beside a log means that something was lost. It says a newer form as soon as the cluster agreed on
 * one: then an older program refuses the directory before it has read anything else.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { newestStoreVersion, oldestStoreVersion } from '../../model/feature.ts'
import type { Disk } from '../../platform/ports.ts'
import type { DurableWriter } from './durable-writer.ts'

export const formatPath = 'FORMAT'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Writes the file, or the newer one in place of it; `done` when it is durable. A new directory has the oldest form. */
export function writeFormat(
  writer: DurableWriter,
  done: () => void,
  version: number = oldestStoreVersion,
): void {
  const partial = `${formatPath}.partial`
  writer.open(partial, (file) =>
    writer.write(file, 0, encoder.encode(`mesh-agent server ${version}\n`), () => {
      file.close()
      writer.rename(partial, formatPath, () => writer.syncDirectory('', done))
    }),
  )
}

/** The version that wrote the directory; undefined where it was never set up. */
export function readFormat(disk: Pick<Disk, 'read'>): Result<number | undefined> {
  const bytes = disk.read(formatPath)
  if (bytes === undefined) return ok(undefined)
  const match = /^mesh-agent server (\d{1,9})\n$/.exec(decoder.decode(bytes))
  if (match === null) return failed('log-damaged', `the file ${formatPath} of the data directory is damaged`)
  const version = Number(match[1])
  if (version > newestStoreVersion)
    return failed(
      'format-too-new',
      `the data directory has format ${version}, this program knows formats up to ${newestStoreVersion}`,
    )
  return ok(version)
}
