/**
 * The whole of one subject at one moment, as event frames of bounded size. Frames are made when the first reader gets
 * there and kept for the others: a thousand agents that come back at once cost one reading of the state.
 */

import { limits } from '../../model/limits.ts'
import type { ServiceEntry } from '../../model/service.ts'
import type { EventBody, Subject } from '../../model/topic.ts'
import type { ServerFrame } from '../../rpc/contract.ts'
import type { View } from '../store/view.ts'
import { type HealthTopic, upsertBody } from './contents.ts'

export type EventFrame = Extract<ServerFrame, { readonly kind: 'event' }>

export interface Snapshot {
  /** The frame at `position`, counted from 0; undefined after the last. */
  frame(position: number): EventFrame | undefined
}

export class HealthSnapshot implements Snapshot {
  readonly #subject: Subject
  readonly #topic: HealthTopic
  readonly #index: number
  readonly #frames: EventFrame[] = []
  #rest: Iterator<ServiceEntry> | undefined

  constructor(view: View, topic: HealthTopic, key: string) {
    this.#subject = { topic, key }
    this.#topic = topic
    this.#index = view.index
    const entries = topic === 'mesh-health' ? view.meshInstances(key) : view.instances(key)
    this.#rest = entries[Symbol.iterator]()
  }

  frame(position: number): EventFrame | undefined {
    while (this.#frames.length <= position && this.#rest !== undefined) this.#read(this.#rest)
    return this.#frames[position]
  }

  #read(rest: Iterator<ServiceEntry>): void {
    const bodies: EventBody[] = []
    while (bodies.length < limits.bodiesPerEvent) {
      const next = rest.next()
      if (next.done === true) {
        this.#rest = undefined
        break
      }
      bodies.push(upsertBody(this.#topic, next.value))
    }
    if (bodies.length > 0)
      this.#frames.push({ kind: 'event', subject: this.#subject, index: this.#index, bodies })
  }
}
