/**
 * Structural sharing between two plans: a resource whose inputs are the same objects is not computed again, and one that
 * comes out equal stays the same object, so the link sees by identity what really changed.
 */
import { sameValue } from '../../model/equality.ts'
import { type ProxyResource, resourceKey } from '../../model/proxy-config.ts'

interface Remembered {
  readonly inputs: readonly unknown[]
  readonly resource: ProxyResource
}

export type Memo = ReadonlyMap<string, Remembered>

export class MemoWriter {
  readonly #before: Memo | undefined
  readonly #after = new Map<string, Remembered>()

  constructor(before: Memo | undefined) {
    this.#before = before
  }

  /** The resource for `at`, made by `make` where an input is another object than last time. */
  resource<Resource extends ProxyResource>(
    at: Pick<Resource, 'kind' | 'name'>,
    inputs: readonly unknown[],
    make: () => Resource,
  ): ProxyResource {
    const key = resourceKey(at)
    const known = this.#before?.get(key)
    if (known?.inputs.length === inputs.length && known.inputs.every((input, i) => input === inputs[i])) {
      this.#after.set(key, known)
      return known.resource
    }
    const made = make()
    const resource = known !== undefined && sameValue(known.resource, made) ? known.resource : made
    this.#after.set(key, { inputs, resource })
    return resource
  }

  /** What the next plan starts from; holds nothing that this plan did not use. */
  finish(): Memo {
    return this.#after
  }
}
