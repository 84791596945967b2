/**
 * Who knows that an instance is in maintenance: finds the log index of its maintenance in the catalog, then follows how many
 * proxies acknowledged a state with it. Gives up silently where no server answers: a drain goes on by time then.
 */
import { balancedName } from '../../model/acknowledged.ts'
import { limits } from '../../model/limits.ts'
import type { Enforcement, NodeServices, ReadAnswer } from '../../model/query.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'

export interface KnownByOptions {
  readonly node: string
  /** The maintenance check whose arrival counts. */
  readonly checkId: string
  /** Service that others call. */
  readonly destination: string
  readonly read: ServerClient['read']
  readonly clock: Clock
  readonly onChange: () => void
}

const lookAgainMs = 50

export class KnownBy {
  /** The newest count; undefined: the catalog does not have the maintenance yet. */
  count: { readonly proxies: number; readonly total: number } | undefined
  readonly #options: KnownByOptions
  #pending: { cancel(): void } | undefined
  #timer: Timer | undefined
  #stopped: boolean = false

  constructor(options: KnownByOptions) {
    this.#options = options
    // Not at once: an answer that came in this very call would find nobody who knows this object yet.
    this.#again(() => this.#find(0))
  }

  get isComplete(): boolean {
    return this.count !== undefined && this.count.proxies >= this.count.total
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#pending?.cancel()
  }

  /** The check comes into the catalog a moment after it was made. */
  #find(minIndex: number): void {
    const { node, checkId, read } = this.#options
    const options = { consistency: 'default', minIndex, waitMs: limits.drainSettleMs } as const
    this.#pending = read({ name: 'catalog.node', args: { node }, options, token: '' }, (result) => {
      if (this.#stopped) return
      if (!result.ok) return this.#again(() => this.#find(0))
      const { meta, answer }: ReadAnswer<'catalog.node'> = result.value
      const index = indexOf(answer, checkId)
      if (index === undefined) this.#again(() => this.#find(meta.index))
      else this.#follow(index, 0)
    })
  }

  #follow(index: number, minIndex: number): void {
    const { destination, read, onChange } = this.#options
    const args = { destination: balancedName(destination), index }
    const options = { consistency: 'default', minIndex, waitMs: limits.drainSettleMs } as const
    this.#pending = read({ name: 'intentions.enforcement', args, options, token: '' }, (result) => {
      if (this.#stopped) return
      if (!result.ok) return this.#again(() => this.#follow(index, 0))
      const { meta, answer }: { meta: { index: number }; answer: Enforcement } = result.value
      this.count = { proxies: answer.enforced, total: answer.total }
      onChange()
      if (!this.isComplete) this.#again(() => this.#follow(index, meta.index))
    })
  }

  #again(work: () => void): void {
    this.#timer = this.#options.clock.after(lookAgainMs, work)
  }
}

function indexOf(answer: NodeServices | null, checkId: string): number | undefined {
  return answer?.checks.find((check) => check.checkId === checkId)?.modifyIndex
}
