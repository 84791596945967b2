/**
 * The body of an HTTP request as a tree of values, whether it comes as text or was parsed by the HTTP library.
 * What a body may hold is told by registration.ts and changes.ts.
 */
import { failed, ok, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import { parseText } from '../wire/hcl/parse.ts'
import { treeOf, type Value } from '../wire/hcl/tree.ts'

/** Fails with Consul's `Request decode failed: …`. A body that is no object is for the schema to refuse. */
export function bodyTree(body: unknown): Result<Value> {
  if (typeof body === 'string') {
    const parsed = parseText('body', body, 'json')
    if (parsed.ok) return ok(parsed.value)
    const [first] = parsed.problems
    const place =
      first === undefined ? '' : `line ${first.line}, column ${first.column}: ${first.what}, ${first.why}`
    return failed('bad-request', `Request decode failed: ${place}`)
  }
  const tree = treeOf(body, 'body')
  if (tree !== undefined) return ok(tree)
  return failed(
    'bad-request',
    `Request decode failed: the body is nested more than ${limits.hclDepth} levels deep, or holds what JSON cannot`,
  )
}
