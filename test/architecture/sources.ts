// Reads every source file once with a real parser: who imports whom, where `async` stands, how long things are.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseSync } from 'vite'

export interface ImportEdge {
  readonly line: number
  /** Path below src/, or a package or `node:` name. */
  readonly target: string
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** Path below src/, such as `raft/step.ts`. */
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly imports: readonly ImportEdge[]
  readonly program: unknown
}

export const root = join(import.meta.dirname, '../..')
const src = join(root, 'src')

export function readSources(): readonly SourceFile[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('generated/'))
    .sort()
    .map(readSource)
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(src, path), 'utf8')
  const { module, program } = parseSync(path, text, { lang: 'ts' })
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length
  const resolve = (specifier: string): string =>
    specifier.startsWith('.') ? relative(src, join(src, dirname(path), specifier)) : specifier
  const imports: ImportEdge[] = []
  for (const item of module.staticImports)
    imports.push({
      line: lineOf(item.start),
      target: resolve(item.moduleRequest.value),
      typeOnly: item.entries.length > 0 && item.entries.every((entry) => entry.isType),
    })
  for (const item of module.staticExports)
    for (const entry of item.entries)
      if (entry.moduleRequest !== null)
        imports.push({
          line: lineOf(item.start),
          target: resolve(entry.moduleRequest.value),
          typeOnly: entry.isType,
        })
  for (const item of module.dynamicImports) {
    const specifier = text.slice(item.moduleRequest.start, item.moduleRequest.end).replace(/^['"]|['"]$/g, '')
    imports.push({ line: lineOf(item.start), target: resolve(specifier), typeOnly: false })
  }
  return { path, text, lines: text.split('\n').length - 1, imports, program }
}

interface TreeNode {
  readonly type?: string
  readonly start?: number
  readonly [key: string]: unknown
}

/** Calls `visit` for every node of a syntax tree. */
export function walk(node: unknown, visit: (node: TreeNode) => void): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit)
    return
  }
  if (typeof node !== 'object' || node === null) return
  visit(node as TreeNode)
  for (const value of Object.values(node)) if (typeof value === 'object') walk(value, visit)
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
