/**
 * The roots of one plane as something to verify chains against, made from the state and kept while it stays the same.
 */
import type { TrustPlane } from '../../model/authority.ts'
import { assert } from '../../model/errors.ts'
import { createTrust, type Trust } from '../../wire/x509/chain.ts'
import type { StateView } from '../store/state.ts'

/** Trust of one plane, made again only when its roots changed. */
export class PlaneTrust {
  readonly #plane: TrustPlane
  #ids = ''
  #trust: Trust = { domains: new Map() }

  constructor(plane: TrustPlane) {
    this.#plane = plane
  }

  of(view: StateView): Trust {
    const roots = view.roots(this.#plane)
    const ids = roots.map((root) => root.id).join()
    if (ids !== this.#ids) {
      const made = createTrust(
        roots.map((root) => ({ trustDomain: root.trustDomain, pem: root.certificatePem })),
      )
      assert(made.ok, 'roots in the state are certificates of authorities')
      this.#trust = made.value
      this.#ids = ids
    }
    return this.#trust
  }
}
