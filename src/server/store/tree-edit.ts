/**
 * One transaction on a tree (tree.ts): copies each node on the way at most once, leaves the old tree as it was, and at
 * the end hands over the new tree with the watches that its readers wait on.
 */
import { childAt, scanFrom, spent, Tree, TreeNode, valueAt } from './tree.ts'
import type { Watch } from './watch.ts'

let lastEdit = 0

/** Shared by all leaves, which are most nodes; never changed, only replaced. */
const noChildren: never[] = []

export class TreeEdit<Value> {
  readonly #base: Tree<Value>
  readonly #edit: number
  readonly #replaced: TreeNode<Value>[] = []
  /**
   * Nodes of this edit that only moved, because a key beside them came or went, with those whose place they take: nothing below
   * changed, so whoever waits for a change there waits on.
   */
  readonly #moved = new Map<TreeNode<Value>, TreeNode<Value>>()
  #root: TreeNode<Value>
  #size: number

  constructor(base: Tree<Value>) {
    this.#base = base
    this.#edit = ++lastEdit
    this.#root = base.root
    this.#size = base.size
  }

  /** Number of values now. */
  get size(): number {
    return this.#size
  }

  get(key: string): Value | undefined {
    return valueAt(this.#root, key)
  }

  /** Values under `prefix` now. The edit must not be changed while the scan runs. */
  scan(prefix: string): Iterable<Value> {
    return scanFrom(this.#root, prefix)
  }

  has(prefix: string): boolean {
    for (const _ of this.scan(prefix)) return true
    return false
  }

  set(key: string, value: Value): void {
    this.#root = this.#own(this.#root)
    let node = this.#root
    let at = 0
    while (at < key.length) {
      const position = childAt(node.children, key.charCodeAt(at))
      const child = node.children[position]
      if (child === undefined) {
        const leaf = new TreeNode<Value>(this.#edit, key.slice(at), value, noChildren)
        if (node.children.length === 0) node.children = [leaf]
        else node.children.splice(~position, 0, leaf)
        this.#size++
        return
      }
      const shared = sharedLength(child.prefix, key, at)
      const next = shared === child.prefix.length ? this.#own(child) : this.#split(child, shared)
      node.children[position] = next
      node = next
      at += shared
    }
    if (node.value === undefined) this.#size++
    node.value = value
  }

  /** The value that was there, or undefined. */
  delete(key: string): Value | undefined {
    const value = this.get(key)
    if (value === undefined) return undefined
    this.#root = this.#own(this.#root)
    let parent = this.#root
    let node = this.#root
    let position = 0
    let at = 0
    while (at < key.length) {
      parent = node
      position = childAt(parent.children, key.charCodeAt(at))
      const child = parent.children[position]
      if (child === undefined) break
      node = this.#own(child)
      parent.children[position] = node
      at += node.prefix.length
    }
    node.value = undefined
    this.#size--
    if (node !== this.#root && node.children.length === 0) {
      parent.children.splice(position, 1)
      this.#merge(parent)
    } else this.#merge(node)
    return value
  }

  /**
   * Removes everything under `prefix` without looking at the rest of the tree; the number of values that went. Costs a
   * visit per node that goes, because somebody may wait on it.
   */
  deleteBelow(prefix: string): number {
    if (!this.has(prefix)) return 0
    this.#root = this.#own(this.#root)
    let node = this.#root
    let removed = 0
    for (let at = 0; at < prefix.length; ) {
      const position = childAt(node.children, prefix.charCodeAt(at))
      const child = node.children[position]
      if (child === undefined) break
      if (child.prefix.length >= prefix.length - at) {
        removed = this.#drop(child)
        node.children.splice(position, 1)
        this.#merge(node)
        break
      }
      const next = this.#own(child)
      node.children[position] = next
      at += next.prefix.length
      node = next
    }
    if (prefix === '') {
      removed = this.#size
      this.#drop(this.#root)
      this.#root = new TreeNode<Value>(this.#edit, '', undefined, [])
    }
    this.#size -= removed
    return removed
  }

  /** The new tree; `fire` receives every watch on a part that this edit replaced. */
  commit(fire: Watch[]): Tree<Value> {
    if (this.#root === this.#base.root) return this.#base
    for (const node of this.#replaced) {
      if (node.watch !== undefined) fire.push(node.watch)
      node.watch = spent
    }
    for (const [node, before] of this.#moved) {
      if (before.watch !== undefined && before.watch !== spent) {
        node.watch = before.watch
        const beside = before.watch.takeBeside()
        if (beside !== undefined) fire.push(beside)
      }
      before.watch = spent
    }
    return new Tree(this.#root, this.#size)
  }

  #own(node: TreeNode<Value>): TreeNode<Value> {
    if (node.edit === this.#edit) {
      this.#changed(node)
      return node
    }
    this.#replaced.push(node)
    return this.#copy(node)
  }

  #copy(node: TreeNode<Value>): TreeNode<Value> {
    const children = node.children.length === 0 ? noChildren : node.children.slice()
    return new TreeNode<Value>(this.#edit, node.prefix, node.value, children)
  }

  /** Like `own`, for a node below which everything stays. */
  #move(node: TreeNode<Value>): TreeNode<Value> {
    if (node.edit === this.#edit) return node
    const copy = this.#copy(node)
    this.#moved.set(copy, node)
    return copy
  }

  /** A node of this edit is more than moved. */
  #changed(node: TreeNode<Value>): void {
    const before = this.#moved.get(node)
    if (before === undefined) return
    this.#moved.delete(node)
    this.#replaced.push(before)
  }

  /** Everything below `top`, itself included, is part of the newest tree no more. */
  #drop(top: TreeNode<Value>): number {
    const stack = [top]
    let values = 0
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node.value !== undefined) values++
      if (node.edit === this.#edit) this.#changed(node)
      else this.#replaced.push(node)
      for (const child of node.children) stack.push(child)
    }
    return values
  }

  /** Puts a node without value above `child`, which keeps the rest of its prefix. */
  #split(child: TreeNode<Value>, shared: number): TreeNode<Value> {
    const lower = this.#move(child)
    const upper = new TreeNode<Value>(this.#edit, lower.prefix.slice(0, shared), undefined, [lower])
    lower.prefix = lower.prefix.slice(shared)
    return upper
  }

  /** A node that has no value and one child takes the child's place. */
  #merge(node: TreeNode<Value>): void {
    const only = node.children[0]
    if (node === this.#root || node.value !== undefined || node.children.length !== 1 || only === undefined)
      return
    const child = this.#move(only)
    node.prefix += child.prefix
    node.value = child.value
    node.children = child.children
    const before = this.#moved.get(child)
    if (before === undefined) return
    this.#moved.delete(child)
    this.#moved.set(node, before)
  }
}

function sharedLength(prefix: string, key: string, at: number): number {
  const end = Math.min(prefix.length, key.length - at)
  let length = 0
  while (length < end && prefix.charCodeAt(length) === key.charCodeAt(at + length)) length++
  return length
}
