/**
 * Events for all hosts: fired through the pool, and the newest ones that were meant for this host. Lost when the agent
 * stops; whoever needs more uses the key-value store.
 */

import { failed, ok, type Result } from '../../model/errors.ts'
import { compilePattern } from '../../model/filter/pattern.ts'
import { type EventDraft, type FiredEvent, firedEventVersion } from '../../model/fired-event.ts'
import { uuidFromBytes } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Random } from '../../platform/ports.ts'
import { decodeFiredEvent, encodeFiredEvent, gossipNameOf } from '../../wire/gossip/fired-event.ts'
import type { LocalRegistry, Membership, UserEvents } from '../contract.ts'

export interface HostEventsOptions {
  readonly node: string
  readonly membership: Pick<Membership, 'pool' | 'onEvent'>
  readonly registry: Pick<LocalRegistry, 'services'>
  readonly random: Random
}

export class HostEvents implements UserEvents {
  readonly #options: HostEventsOptions
  /** Oldest first. */
  readonly #recent: FiredEvent[] = []
  readonly #listeners: (() => void)[] = []

  constructor(options: HostEventsOptions) {
    this.#options = options
    options.membership.onEvent((heard) => {
      if (heard.type === 'user-event') this.#hear(decodeFiredEvent(heard))
    })
  }

  fire(draft: EventDraft): Result<FiredEvent> {
    const refusal = refusalOf(draft)
    if (refusal !== '') return failed('bad-request', refusal)
    const pool = this.#options.membership.pool()
    if (!pool.ok) return pool
    const id = uuidFromBytes(this.#options.random.bytes(16))
    const event: FiredEvent = { ...draft, id, version: firedEventVersion, time: 0 }
    const fired = pool.value.fireEvent(gossipNameOf(event), encodeFiredEvent(event), false)
    return fired.ok ? ok(event) : fired
  }

  recent(): readonly FiredEvent[] {
    return this.#recent
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #hear(event: FiredEvent | undefined): void {
    if (event === undefined || event.version > firedEventVersion || !this.#isMeant(event)) return
    this.#recent.push(event)
    if (this.#recent.length > limits.userEventsKept) this.#recent.shift()
    for (const listener of this.#listeners) listener()
  }

  #isMeant({ nodeFilter, serviceFilter, tagFilter }: FiredEvent): boolean {
    const { node, registry } = this.#options
    if (nodeFilter !== '' && !matcher(nodeFilter)(node)) return false
    if (serviceFilter === '') return true
    const isService = matcher(serviceFilter)
    const isTag = tagFilter === '' ? undefined : matcher(tagFilter)
    return registry
      .services()
      .some(({ service }) => isService(service.name) && (isTag === undefined || service.tags.some(isTag)))
  }
}

/** '' if it may be fired. */
function refusalOf({ name, nodeFilter, serviceFilter, tagFilter }: EventDraft): string {
  if (name === '') return 'Missing name: it stands at the end of the path'
  if (tagFilter !== '' && serviceFilter === '') return 'Cannot provide tag filter without service filter'
  for (const [what, text] of Object.entries({ node: nodeFilter, service: serviceFilter, tag: tagFilter })) {
    const compiled = text === '' ? ok(true) : compilePattern(text)
    if (!compiled.ok) return `Invalid ${what} filter: ${compiled.failure.message}`
  }
  return ''
}

/** From the network: an expression that cannot be read fits nothing. Matching takes time in proportion to its length. */
function matcher(expression: string): (text: string) => boolean {
  const compiled = compilePattern(expression)
  return compiled.ok ? compiled.value : () => false
}
