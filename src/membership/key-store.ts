/**
 * The pool's keyring with its file: `serf/<pool>.keyring`, keys as base64 in a JSON list, the one in use first, as Serf
 * and Consul keep it. What is stored counts more than the configuration, or a restart would undo a rotation.
 */
import { type Failure, failed, ok, type Result } from '../model/errors.ts'
import type { StateFiles } from '../platform/ports.ts'
import { Keyring } from '../wire/gossip/keyring.ts'

export class KeyStore {
  readonly keyring: Keyring
  readonly #files: StateFiles
  readonly #path: string
  #isManaged: boolean = false

  private constructor(keyring: Keyring, files: StateFiles, path: string) {
    this.keyring = keyring
    this.#files = files
    this.#path = path
  }

  /** `configured` is taken and stored where no file is there yet. */
  static open(files: StateFiles, pool: string, configured: readonly Uint8Array[]): Result<KeyStore> {
    const path = `serf/${pool}.keyring`
    const stored = files.read(path)
    const keys = stored === undefined ? ok(configured) : readKeys(stored, path)
    if (!keys.ok) return keys
    const keyring = Keyring.from(keys.value)
    if (!keyring.ok) return keyring
    const store = new KeyStore(keyring.value, files, path)
    if (stored !== undefined || configured.length === 0) return ok(store)
    const failure = store.#save()
    return failure === undefined ? ok(store) : { ok: false, failure }
  }

  install(key: Uint8Array): Result<true> {
    return this.#change(() => this.keyring.install(key))
  }

  use(key: Uint8Array): Result<true> {
    return this.#change(() => this.keyring.use(key))
  }

  remove(key: Uint8Array): Result<true> {
    return this.#change(() => this.keyring.remove(key))
  }

  /**
   * Puts these keys in the place of all. They come from servers, who give every member of the pool the same, and are the only
   * ones to change them from then on: a host that was shut out knows the old key for some seconds, and must not bring in
   * another one by a query.
   */
  replace(keys: readonly Uint8Array[]): Result<true> {
    this.#isManaged = true
    const replaced = this.keyring.replace(keys)
    return replaced.ok ? this.#saved() : replaced
  }

  #change(change: () => Result<true>): Result<true> {
    // A pool in clear text must not become encrypted on the members that heard of a key, and not on the others.
    if (this.keyring.keys.length === 0)
      return failed('bad-request', 'gossip is not encrypted on this member; set encrypt in its configuration')
    if (this.#isManaged)
      return failed('bad-request', 'the servers give this member its keys; only they change its keyring')
    const changed = change()
    return changed.ok ? this.#saved() : changed
  }

  #saved(): Result<true> {
    const failure = this.#save()
    return failure === undefined ? ok(true) : { ok: false, failure }
  }

  #save(): Failure | undefined {
    const text = JSON.stringify(this.keyring.keys.map(textOfKey))
    const error = this.#files.write(this.#path, Buffer.from(text))
    if (error === undefined) return undefined
    return { code: 'disk-failed', message: `the keyring cannot be stored: ${error.message}` }
  }
}

export const textOfKey = (key: Uint8Array): string => Buffer.from(key).toString('base64')

/** A key as operators have it; fails on what is no base64 of 16, 24 or 32 bytes. */
export function keyFromText(text: string): Result<Uint8Array> {
  const key = Buffer.from(text, 'base64')
  const isWhole = key.toString('base64') === text.trim()
  if (isWhole && [16, 24, 32].includes(key.length)) return ok(new Uint8Array(key))
  return failed('bad-request', 'a gossip key is 16, 24 or 32 bytes in base64; `mesh keygen` makes one')
}

function readKeys(stored: Uint8Array, path: string): Result<readonly Uint8Array[]> {
  const damaged = failed(
    'invalid-config',
    `the keyring file ${path} is damaged; restore it, or remove it to use encrypt`,
  )
  let texts: unknown
  try {
    texts = JSON.parse(Buffer.from(stored).toString())
  } catch {
    return damaged
  }
  if (!Array.isArray(texts)) return damaged
  const keys: Uint8Array[] = []
  for (const text of texts) {
    const key = typeof text === 'string' ? keyFromText(text) : damaged
    if (!key.ok) return damaged
    keys.push(key.value)
  }
  return ok(keys)
}
