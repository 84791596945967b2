/**
 * Configuration files and folders behind the `SourceFiles` port: reading in lexical order, and watching (watch.ts).
 * Refuses to know HCL; bytes that are no UTF-8 are unreadable, because a guess would change what was written.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '../model/limits.ts'
import type { SourceFiles } from './ports.ts'
import { watchFiles } from './watch.ts'

const sourceName = /\.(hcl|json)$/

export const systemSourceFiles: SourceFiles = {
  read(paths) {
    const files: { path: string; text: string }[] = []
    const unreadable: { path: string; message: string }[] = []
    const { found, missing } = sourcePaths(paths)
    unreadable.push(...missing)
    for (const path of found)
      try {
        files.push({ path, text: readText(path) })
      } catch (error) {
        unreadable.push({ path, message: messageOf(error) })
      }
    return { files, unreadable }
  },
  watch: (paths, onChange) => watchFiles(paths, sourcePaths, onChange),
}

/** The files that `paths` mean now: itself, or for a folder what lies directly in it. */
export function sourcePaths(paths: readonly string[]): {
  readonly found: readonly string[]
  readonly missing: readonly { readonly path: string; readonly message: string }[]
} {
  const found: string[] = []
  const missing: { path: string; message: string }[] = []
  for (const path of paths)
    try {
      if (!statSync(path).isDirectory()) found.push(path)
      else
        for (const name of readdirSync(path).sort())
          if (sourceName.test(name) && !name.startsWith('.')) found.push(join(path, name))
    } catch (error) {
      missing.push({ path, message: messageOf(error) })
    }
  return { found, missing }
}

function readText(path: string): string {
  const size = statSync(path).size
  if (size > limits.configFileBytes)
    throw new Error(`the file has ${size} bytes, more than ${limits.configFileBytes}`)
  return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
