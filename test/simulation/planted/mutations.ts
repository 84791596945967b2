/**
 * Random small mistakes in the consensus code, as patches: a condition negated, a statement dropped, a number or a
 * comparison off by one. Sites are found in the syntax tree, so that each mutation is still a program.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { SeededRandom } from '../random.ts'
import { sourceText } from '../run/patch.ts'

const folders = ['raft', 'server/consensus'] as const

export interface Mutation {
  /** Below src/. */
  readonly file: string
  readonly line: number
  readonly kind: 'negate' | 'drop' | 'off by one'
  readonly start: number
  readonly end: number
  readonly before: string
  readonly after: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [name: string]: unknown
}

/** `count` different mutations, as `seed` draws them; the same as long as the code is the same. */
export function drawMutations(seed: number, count: number): readonly Mutation[] {
  const random = new SeededRandom(seed)
  const sites = folders.flatMap((folder) => sitesIn(folder))
  const drawn = new Set<Mutation>()
  while (drawn.size < Math.min(count, sites.length)) {
    // Kinds by turns: there are many more statements than numbers.
    const kind = random.pick(['negate', 'drop', 'off by one'] as const)
    const fresh = sites.filter((site) => site.kind === kind && !drawn.has(site))
    if (fresh.length > 0) drawn.add(random.pick(fresh))
  }
  return [...drawn]
}

/** The file's text with the mutation made. */
export function mutated({ file, start, end, after }: Mutation): string {
  const text = sourceText(file)
  return text.slice(0, start) + after + text.slice(end)
}

function sitesIn(folder: string): readonly Mutation[] {
  const directory = join(import.meta.dirname, '../../../src', folder)
  const files = readdirSync(directory).filter((name) => name.endsWith('.ts'))
  return files.toSorted().flatMap((name) => sitesOf(`${folder}/${name}`))
}

function sitesOf(file: string): readonly Mutation[] {
  const text = sourceText(file)
  const sites: Mutation[] = []
  const add = (kind: Mutation['kind'], { start, end }: Pick<Node, 'start' | 'end'>, after: string): void => {
    const line = text.slice(0, start).split('\n').length
    sites.push({ file, line, kind, start, end, before: text.slice(start, end), after })
  }
  const visit = (node: Node): void => {
    // What only says that something is broken changes nothing while nothing is.
    if (isTelling(node, text)) return
    if (isNode(node['test'])) {
      const { start, end } = node['test']
      if (node.type === 'IfStatement' || node.type === 'ConditionalExpression')
        add('negate', { start, end }, `!(${text.slice(start, end)})`)
    }
    if (node.type === 'ExpressionStatement') add('drop', node, ';')
    if (node.type === 'IfStatement' && !isNode(node['alternate'])) add('drop', node, ';')
    if (node.type === 'BinaryExpression') addOffByOne(node, text, add)
    for (const child of Object.values(node))
      for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) visit(one)
  }
  visit(parseAst(text, { lang: 'ts' }) as unknown as Node)
  return sites
}

/** A queue that is one longer and a wait that is one millisecond longer are as right as before. */
const aBound = /limits\.|Max\b|Ms\b|[Bb]ytes\b|thresholds/

const comparisons: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }

function addOffByOne(
  node: Node,
  text: string,
  add: (kind: 'off by one', range: Pick<Node, 'start' | 'end'>, after: string) => void,
): void {
  const { left, right, operator } = node
  if (!isNode(left) || !isNode(right) || typeof operator !== 'string') return
  if (aBound.test(text.slice(node.start, node.end))) return
  const swapped = comparisons[operator]
  const leftText = text.slice(left.start, left.end)
  if (swapped !== undefined)
    add('off by one', node, `${leftText} ${swapped} ${text.slice(right.start, right.end)}`)
  else if ((operator === '+' || operator === '-') && right['value'] === 1) add('off by one', node, leftText)
}

const telling =
  /^(assert\(|super\(|(const \{ )?log\.|this\.#parts\.(log|metrics)\.|metrics\.|this\.#parts\.log)/

const isTelling = (node: Node, text: string): boolean =>
  node.type === 'ExpressionStatement' && telling.test(text.slice(node.start, node.end))

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
