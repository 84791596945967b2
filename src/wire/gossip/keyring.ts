/**
 * The keys of an encrypted pool: the first encrypts, all decrypt, so that a key is exchanged without a gap (install it
 * everywhere, then use it everywhere, then remove the old one). Where keys are stored is not known here.
 */
import { timingSafeEqual } from 'node:crypto'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'

const sameKey = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)

const isKeyLength = (length: number): boolean => length === 16 || length === 24 || length === 32

export class Keyring {
  #keys: readonly Uint8Array[]

  private constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys
  }

  /** The first key is the one in use. Fails on lengths that AES has not. */
  static from(keys: readonly Uint8Array[]): Result<Keyring> {
    const ring = new Keyring([])
    for (const key of keys) {
      const added = ring.install(key)
      if (!added.ok) return added
    }
    return ok(ring)
  }

  /** In use first; empty: the pool is not encrypted. */
  get keys(): readonly Uint8Array[] {
    return this.#keys
  }

  get primary(): Uint8Array | undefined {
    return this.#keys[0]
  }

  /** Installing a key again does nothing. */
  install(key: Uint8Array): Result<true> {
    if (!isKeyLength(key.length))
      return failed('bad-request', `a gossip key has 16, 24 or 32 bytes, this one has ${key.length}`)
    if (this.#keys.some((known) => sameKey(known, key))) return ok(true)
    if (this.#keys.length >= limits.gossipKeys)
      return failed(
        'bad-request',
        `the keyring already holds ${limits.gossipKeys} keys; remove old ones first`,
      )
    this.#keys = [...this.#keys, Uint8Array.from(key)]
    return ok(true)
  }

  /** Makes an installed key the one that encrypts. */
  use(key: Uint8Array): Result<true> {
    const known = this.#keys.find((one) => sameKey(one, key))
    if (known === undefined) return failed('not-found', 'the key is not in the keyring; install it first')
    this.#keys = [known, ...this.#keys.filter((one) => one !== known)]
    return ok(true)
  }

  /** Puts these keys in the place of all, the first one in use. Changes nothing where one of them is no key. */
  replace(keys: readonly Uint8Array[]): Result<true> {
    const made = Keyring.from(keys)
    if (!made.ok) return made
    this.#keys = made.value.keys
    return ok(true)
  }

  remove(key: Uint8Array): Result<true> {
    const { primary } = this
    if (primary !== undefined && sameKey(primary, key))
      return failed('bad-request', 'the key is in use; use another one first, then remove it')
    this.#keys = this.#keys.filter((one) => !sameKey(one, key))
    return ok(true)
  }
}
