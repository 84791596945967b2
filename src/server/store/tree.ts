/**
 * An immutable radix tree with string keys: reading, ordered scans and watches. Changing one is in tree-edit.ts.
 * Order is by UTF-16 code units. Knows nothing of rows; callers end every key with a separator (keys.ts), so that no
 * key is the beginning of another and a watch on a key does not wake for its neighbours.
 */
import { limits } from '../../model/limits.ts'
import { type Listener, Watch } from './watch.ts'

export class TreeNode<Value> {
  /** The edit that made this node; only that edit may change it. */
  readonly edit: number
  /** The part of the key between the parent and this node. */
  prefix: string
  value: Value | undefined
  /** Sorted by the first code unit of their prefixes, which are all different. */
  children: TreeNode<Value>[]
  /** Made when somebody first watches; `spent` once a later root replaced this node. */
  watch: Watch | undefined

  constructor(edit: number, prefix: string, value: Value | undefined, children: TreeNode<Value>[]) {
    this.edit = edit
    this.prefix = prefix
    this.value = value
    this.children = children
    this.watch = undefined
  }
}

/** Marks nodes that are no longer part of the newest tree: whoever watches them is told at once. */
export const spent = new Watch()

/** Position of the child whose prefix starts with `code`, or the complement of where it would stand. */
export function childAt<Value>(children: readonly TreeNode<Value>[], code: number): number {
  let low = 0
  let high = children.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const found = children[middle]?.prefix.charCodeAt(0) ?? 0
    if (found === code) return middle
    if (found < code) low = middle + 1
    else high = middle - 1
  }
  return ~low
}

export class Tree<Value> {
  readonly root: TreeNode<Value>
  /** Number of values. */
  readonly size: number

  constructor(root: TreeNode<Value>, size: number) {
    this.root = root
    this.size = size
  }

  get(key: string): Value | undefined {
    return valueAt(this.root, key)
  }

  /** Values whose keys start with `prefix`, in key order. */
  scan(prefix = ''): Iterable<Value> {
    return scanFrom(this.root, prefix)
  }

  /** Values whose keys come behind `key`, in key order. */
  scanAfter(key: string): Iterable<Value> {
    const { root } = this
    return { [Symbol.iterator]: () => new Scan(nodesAfter(root, key)) }
  }

  /**
   * Calls `listener` once when anything under `prefix` changes in a later tree, at once where that has happened
   * already. It may also be called for a change beside `prefix`; it is never left out.
   */
  watch(prefix: string, listener: Listener): () => void {
    const { path, isBeside } = pathTo(this.root, prefix)
    let depth = path.length - 1
    // A node with too many listeners hands further ones to its parent, which is replaced whenever the node is.
    while (depth > 0 && (path[depth]?.watch?.size ?? 0) >= limits.watchesPerNode) depth--
    const node = path[depth] ?? this.root
    if (node.watch === spent) {
      listener()
      return () => undefined
    }
    node.watch ??= new Watch()
    return node.watch.add(listener, depth === path.length - 1 && isBeside)
  }
}

export function emptyTree<Value>(): Tree<Value> {
  return new Tree<Value>(new TreeNode<Value>(0, '', undefined, []), 0)
}

export function valueAt<Value>(root: TreeNode<Value>, key: string): Value | undefined {
  let node = root
  let at = 0
  while (at < key.length) {
    const child = node.children[childAt(node.children, key.charCodeAt(at))]
    if (child === undefined || !key.startsWith(child.prefix, at)) return undefined
    at += child.prefix.length
    node = child
  }
  return node.value
}

export function scanFrom<Value>(root: TreeNode<Value>, prefix: string): Iterable<Value> {
  const start = subtree(root, prefix)
  return { [Symbol.iterator]: () => new Scan(start === undefined ? [] : [start]) }
}

/** Nodes below which all keys behind `key` lie, the nearest last. */
function nodesAfter<Value>(root: TreeNode<Value>, key: string): TreeNode<Value>[] {
  const stack: TreeNode<Value>[] = []
  let node = root
  let at = 0
  while (at < key.length) {
    const found = childAt(node.children, key.charCodeAt(at))
    stack.push(...node.children.slice(found < 0 ? ~found : found + 1).reverse())
    const child = found < 0 ? undefined : node.children[found]
    if (child === undefined) return stack
    if (!key.startsWith(child.prefix, at)) {
      if (child.prefix > key.slice(at)) stack.push(child)
      return stack
    }
    at += child.prefix.length
    node = child
  }
  stack.push(...node.children.toReversed())
  return stack
}

/** The node below which all keys with `prefix` lie. */
export function subtree<Value>(root: TreeNode<Value>, prefix: string): TreeNode<Value> | undefined {
  let node = root
  let at = 0
  while (at < prefix.length) {
    const child = node.children[childAt(node.children, prefix.charCodeAt(at))]
    if (child === undefined) return undefined
    const rest = prefix.length - at
    if (child.prefix.length >= rest) return child.prefix.startsWith(prefix.slice(at)) ? child : undefined
    if (!prefix.startsWith(child.prefix, at)) return undefined
    at += child.prefix.length
    node = child
  }
  return node
}

/**
 * Nodes from the root to the one that any change under `prefix` replaces. Where the path leaves the tree, the last
 * node that shares its next letter counts too: an insertion would split it, and the last node is `isBeside`.
 */
function pathTo<Value>(
  root: TreeNode<Value>,
  prefix: string,
): { readonly path: readonly TreeNode<Value>[]; readonly isBeside: boolean } {
  const path = [root]
  let node = root
  let at = 0
  while (at < prefix.length) {
    const child = node.children[childAt(node.children, prefix.charCodeAt(at))]
    if (child === undefined) break
    path.push(child)
    if (!prefix.startsWith(child.prefix, at)) return { path, isBeside: true }
    at += child.prefix.length
    node = child
  }
  return { path, isBeside: false }
}

/** Depth first with an explicit stack: a generator per level would cost more than the walk itself. */
class Scan<Value> implements Iterator<Value> {
  readonly #stack: TreeNode<Value>[]

  /** The nodes to begin with, the first one last. */
  constructor(start: TreeNode<Value>[]) {
    this.#stack = start
  }

  next(): IteratorResult<Value> {
    for (;;) {
      const node = this.#stack.pop()
      if (node === undefined) return { done: true, value: undefined }
      for (let i = node.children.length - 1; i >= 0; i--) {
        const child = node.children[i]
        if (child !== undefined) this.#stack.push(child)
      }
      if (node.value !== undefined) return { done: false, value: node.value }
    }
  }
}
