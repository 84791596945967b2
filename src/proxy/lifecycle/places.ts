/**
 * How many connections each local service has from the mesh, for its own limit. Counts also where there is no limit,
 * because one may be set while connections are open. Who is refused says why; the worker's limit is budget.ts.
 */
export class InboundPlaces {
  private readonly taken = new Map<string, number>()

  /** False where `max` are taken; else one is until `release`. `listener` is the inbound resource. */
  take(listener: string, max: number): boolean {
    const taken = this.taken.get(listener) ?? 0
    if (taken >= max) return false
    this.taken.set(listener, taken + 1)
    return true
  }

  release(listener: string): void {
    const left = (this.taken.get(listener) ?? 0) - 1
    if (left > 0) this.taken.set(listener, left)
    else this.taken.delete(listener)
  }
}
