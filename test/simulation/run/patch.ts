/**
 * A changed line of the product, put in while its module is loaded: nothing on the disk changes, and other threads load
 * the module as it is. A patch whose text is not in the file exactly once is refused, so that it cannot rot silently.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface Patch {
  /** Below src/, such as `raft/quorum.ts`. */
  readonly file: string
  readonly find: string
  readonly put: string
}

/** Whole new text of one file below src/. */
export interface NewText {
  readonly file: string
  readonly text: string
}

const source = join(import.meta.dirname, '../../../src')

export class PatchError extends Error {}

/** The file's text with the patch in it. */
export function patched(text: string, { file, find, put }: Patch): string {
  const times = text.split(find).length - 1
  if (times !== 1) throw new PatchError(`src/${file} has ${times} times, instead of once: ${find}`)
  // A function, because `$` in a replacement text has a meaning.
  return text.replace(find, () => put)
}

export const sourceText = (file: string): string => readFileSync(join(source, file), 'utf8')

/** The new texts of the files that the patches change. */
export function textsOf(patches: readonly Patch[]): readonly NewText[] {
  const byFile = new Map<string, string>()
  for (const patch of patches)
    byFile.set(patch.file, patched(byFile.get(patch.file) ?? sourceText(patch.file), patch))
  return Array.from(byFile, ([file, text]) => ({ file, text }))
}

/** To be called before anything of the product is loaded. */
export function putIn(texts: readonly NewText[]): void {
  const byUrl = new Map(texts.map(({ file, text }) => [pathToFileURL(join(source, file)).href, text]))
  registerHooks({
    load: (url, context, next) => {
      const text = byUrl.get(url)
      return text === undefined
        ? next(url, context)
        : { format: 'module-typescript', source: text, shortCircuit: true }
    },
  })
}
