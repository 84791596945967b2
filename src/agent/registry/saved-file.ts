/**
 * How one JSON file of the registry's saved state is named, written and read back. A file of another version or with
 * broken content is reported and left where it is: a newer program may need it.
 */
import { createHash } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Log, StateFiles } from '../../platform/ports.ts'

const savedVersion = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Ids may hold any character and have any length; a file name may not. */
export function savedPath(folder: string, id: string): string {
  return `${folder}/${createHash('sha256').update(id).digest('hex').slice(0, 40)}.json`
}

export function writeSaved(files: StateFiles, path: string, value: object, durable: boolean): Result<true> {
  const text = `${JSON.stringify({ version: savedVersion, ...value }, undefined, 1)}\n`
  const error = files.write(path, encoder.encode(text), { durable })
  if (error === undefined) return ok(true)
  return failed('internal', `the agent cannot save ${path}: ${error.message}`)
}

export function removeSaved(files: StateFiles, path: string): Result<true> {
  const error = files.remove(path)
  if (error === undefined) return ok(true)
  return failed('internal', `the agent cannot remove ${path}: ${error.message}`)
}

/** The saved object, or undefined where there is none that this program can use. */
export function readSaved(
  files: StateFiles,
  path: string,
  log: Log,
): Readonly<Record<string, unknown>> | undefined {
  const bytes = files.read(path)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes))
    if (typeof value === 'object' && value !== null) {
      const saved = value as Readonly<Record<string, unknown>>
      if (saved['version'] === savedVersion) return saved
      log.error('A saved file has a version that this program does not know; it is left alone', { path })
      return undefined
    }
  } catch {
    // Told below: broken JSON and JSON of another shape are the same to an operator.
  }
  log.error('A saved file is damaged; it is left alone', { path })
  return undefined
}
