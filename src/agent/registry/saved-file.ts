/**
 * How one JSON file of the registry's saved state is named, written and read back. A file of another version or with
 * broken content is reported and left where it is: a newer program may need it.
 */
import { createHash } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { Log, StateFiles } from '../../platform/ports.ts'

export const savedVersion = 1
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

/** Fails where a newer program wrote the file: what it holds would be taken for gone. */
export function refuseNewer(files: StateFiles, path: string): Result<true> {
  const version = parse(files.read(path))?.['version']
  if (typeof version !== 'number' || version <= savedVersion) return ok(true)
  return failed(
    'format-too-new',
    `${path} of the agent's registry has format ${version}, this program knows formats up to ${savedVersion}`,
  )
}

/** The saved object, or undefined where there is none that this program can use. */
export function readSaved(
  files: StateFiles,
  path: string,
  log: Log,
): Readonly<Record<string, unknown>> | undefined {
  const bytes = files.read(path)
  if (bytes === undefined) return undefined
  const saved = parse(bytes)
  if (saved?.['version'] === savedVersion) return saved
  if (saved === undefined) log.error('A saved file is damaged; it is left alone', { path })
  else log.error('A saved file has a version that this program does not know; it is left alone', { path })
  return undefined
}

/** Undefined for what is no JSON object: to an operator all of that is damage. */
function parse(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes))
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
