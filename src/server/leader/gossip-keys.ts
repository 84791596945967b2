/**
 * Keeps the gossip pool's keys right while this server leads: makes the first one, and a new one after each eviction, in
 * steps with time between them, so that members never meet a key that they do not have. The steps stand in the log; a new
 * leader goes on where the last one was. Sealing is ca/gossip-keys.ts.
 */
import type { GossipKey, GossipKeyring } from '../../model/authority.ts'
import type { Command } from '../../model/command.ts'
import { featureLevelOf } from '../../model/feature.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'

export interface GossipRotationPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'onLeadership'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly make: () => GossipKey
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
}

export class GossipRotation {
  readonly #ports: GossipRotationPorts
  #leading: boolean = false
  #writing: boolean = false
  #timer: Timer | undefined

  constructor(ports: GossipRotationPorts) {
    this.#ports = ports
    const { store, consensus } = ports
    consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#plan()
    })
    store.onCommit((_view, changes) => {
      if (changes.settings || changes.roots || changes.gossipKeys) this.#plan()
    })
    store.onReplaced(() => this.#plan())
  }

  /** A step that was waited for already is not waited for anew because something else changed. */
  #plan(): void {
    if (!this.#leading) {
      this.#timer?.cancel()
      this.#timer = undefined
    } else if (!this.#writing && this.#timer === undefined && this.#next(unmade) !== undefined)
      this.#wait(this.#isRotating() ? limits.gossipKeyStepMs : 0)
  }

  #wait(delayMs: number): void {
    this.#timer = this.#ports.clock.after(delayMs, () => {
      this.#timer = undefined
      this.#step()
    })
  }

  #step(): void {
    const { store, write, make, log } = this.#ports
    const keyring = this.#leading ? this.#next(make) : undefined
    if (keyring === undefined) return
    const casIndex = store.view().gossipKeys()?.modifyIndex ?? 0
    this.#writing = true
    write({ type: 'gossip-keys.set', keyring, casIndex }, (result) => {
      this.#writing = false
      if (result.ok) {
        log.info('the gossip keys went a step further', { stage: keyring.stage, keys: keyring.keys.length })
        this.#plan()
      } else if (this.#leading) this.#wait(limits.gossipKeyRetryMs)
    })
  }

  #isRotating(): boolean {
    const stage = this.#ports.store.view().gossipKeys()?.stage ?? 'steady'
    return stage !== 'steady'
  }

  #next(make: () => GossipKey): GossipKeyring | undefined {
    const view = this.#ports.store.view()
    const mayWrite = view.featureLevel >= featureLevelOf('gossip-keys.set')
    if (view.settings() === undefined || !mayWrite) return undefined
    let newest = 0
    for (const { createIndex } of view.evictions()) newest = Math.max(newest, createIndex)
    return nextKeyring(view.gossipKeys(), newest, make)
  }
}

/** For asking whether there is a next step, without making a key for it. */
const unmade = (): GossipKey => ({ id: '', sealedKey: '' })

/** The keyring after this one, or undefined where it is as it should be. `newestEviction` is a log index, 0 for none. */
export function nextKeyring(
  now: GossipKeyring | undefined,
  newestEviction: number,
  make: () => GossipKey,
): GossipKeyring | undefined {
  if (now === undefined) return { keys: [make()], stage: 'steady', coversIndex: newestEviction }
  const { keys, stage, coversIndex } = now
  switch (stage) {
    case 'steady':
      // A host that is shut out during a rotation has the new key as well: then there is another one after it.
      if (newestEviction <= coversIndex) return undefined
      return { keys: [...keys, make()], stage: 'installing', coversIndex: newestEviction }
    case 'installing':
      return { keys: [...keys].reverse(), stage: 'using', coversIndex }
    case 'using':
      return { keys: keys.slice(0, 1), stage: 'steady', coversIndex }
  }
}
