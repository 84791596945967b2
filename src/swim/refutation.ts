/**
 * What a member says about itself: answers to accusations, a new description, and its leave. Only the member itself
 * raises its incarnation, which is why its word beats older ones.
 */
import type { Alive } from '../model/gossip-message.ts'
import type { LocalView } from './local-view.ts'

/** Incarnations are 32 bits on the wire; a claim with the highest one can be neither beaten nor answered. */
const lastIncarnation = 0xffff_ffff

function announce(view: LocalView, incarnation: number, record: Alive): void {
  view.self.incarnation = incarnation
  view.self.record = { ...record, incarnation }
  view.tell(view.self.record)
}

/** Beats an accusation of `incarnation`. To be accused is a hint that we answer too slowly. */
export function refute(view: LocalView, incarnation: number, from: string): void {
  const { self } = view
  if (incarnation >= lastIncarnation) return
  view.awareness.change(1)
  announce(view, Math.max(self.incarnation, incarnation) + 1, self.record)
  view.effects.notify({ type: 'refuted', from })
}

/** A new description of ourselves, for everybody. */
export function describeAnew(view: LocalView, meta: Uint8Array): void {
  const { self } = view
  if (self.incarnation >= lastIncarnation || view.isLeaving) return
  announce(view, self.incarnation + 1, { ...self.record, meta })
}

export function leave(view: LocalView): void {
  const { self, roster } = view
  if (view.isLeaving) return
  view.isLeaving = true
  roster.setStatus(self, 'left', view.nowMs)
  view.tell({ type: 'dead', incarnation: self.incarnation, node: self.name, from: self.name })
  if (roster.count('alive') + roster.count('suspect') === 0) view.effects.notify({ type: 'leave-told' })
}
