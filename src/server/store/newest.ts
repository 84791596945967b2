/**
 * The highest log index of any row below a prefix of a tree, without walking all of it each time. A node never changes
 * once its tree is committed, so what was found for it stays true: after a write only the nodes on its path are new.
 * Knows nothing of what the rows mean.
 */
import { childAt, subtree, type Tree, type TreeNode } from './tree.ts'

/** Of nodes with children. A leaf is looked at directly. */
const known = new WeakMap<object, number>()

/** 0 where nothing lies below `prefix`. `indexOf` must be the same for all calls on one tree and its descendants. */
export function newestBelow<Value>(
  tree: Tree<Value>,
  prefix: string,
  indexOf: (value: Value) => number,
): number {
  const node = subtree(tree.root, prefix)
  return node === undefined ? 0 : newestOf(node, indexOf)
}

/** Recursion is as deep as a key has characters at most. */
function newestOf<Value>(node: TreeNode<Value>, indexOf: (value: Value) => number): number {
  const own = node.value === undefined ? 0 : indexOf(node.value)
  if (node.children.length === 0) return own
  const before = known.get(node)
  if (before !== undefined) return before
  let newest = own
  for (const child of node.children) {
    const below = newestOf(child, indexOf)
    if (below > newest) newest = below
  }
  known.set(node, newest)
  return newest
}

/** Values whose keys are the beginning of `key`, or all of it, shortest first. */
export function* valuesTowards<Value>(tree: Tree<Value>, key: string): Generator<Value> {
  let node = tree.root
  if (node.value !== undefined) yield node.value
  for (let at = 0; at < key.length; ) {
    const child = node.children[childAt(node.children, key.charCodeAt(at))]
    if (child === undefined || !key.startsWith(child.prefix, at)) return
    at += child.prefix.length
    node = child
    if (node.value !== undefined) yield node.value
  }
}
