/**
 * The ways to all other datacenters: one client each, made when the state first names the datacenter, closed when it is
 * removed. Knows nothing of what is asked.
 */
import type { Datacenter } from '../../model/datacenter.ts'
import { type ErrorCode, type Failure, failed, type Result } from '../../model/errors.ts'
import type { QueryName, ReadAnswer } from '../../model/query.ts'
import type { ReadRequest, Reply } from '../../rpc/contract.ts'
import type { Store } from '../store/store.ts'
import type { DialDatacenter, FarLine } from './contract.ts'

export interface LinesPorts {
  readonly store: Pick<Store, 'view' | 'onCommit' | 'onReplaced'>
  readonly dial: DialDatacenter
}

interface Open {
  readonly clusterId: string
  readonly line: FarLine
}

/** That no server there was reached says nothing about servers here, which the same codes would. */
const noRoad: ReadonlySet<ErrorCode> = new Set(['no-server', 'no-leader', 'wrong-cluster'])

export class Lines {
  readonly #ports: LinesPorts
  readonly #open = new Map<string, Open>()

  constructor(ports: LinesPorts) {
    this.#ports = ports
    ports.store.onCommit((_view, changes) => {
      if (changes.roots) this.#update()
    })
    ports.store.onReplaced(() => this.#update())
    this.#update()
  }

  readonly read = <Name extends QueryName>(
    datacenter: string,
    request: ReadRequest<Name>,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void } => {
    const line = this.to(datacenter)
    if (!line.ok) {
      reply(line)
      return { cancel: () => undefined }
    }
    return line.value.read(request, (result) => reply(roadOf(datacenter, result)))
  }

  /** The line to a datacenter; `unknown-datacenter` where there is none. */
  to(datacenter: string): Result<FarLine> {
    const open = this.#open.get(datacenter)
    if (open !== undefined) return { ok: true, value: open.line }
    const known = [...this.#open.keys()].join(', ') || 'there is no other'
    return failed('unknown-datacenter', `No path to datacenter "${datacenter}"; federated with: ${known}`)
  }

  /** A server of the datacenter was heard of. */
  heard(datacenter: string): void {
    this.#open.get(datacenter)?.line.resetBackoff()
  }

  identityChanged(): void {
    for (const { line } of this.#open.values()) line.identityChanged()
  }

  close(): void {
    for (const { line } of this.#open.values()) line.close()
    this.#open.clear()
  }

  #update(): void {
    const view = this.#ports.store.view()
    const rows = new Map(view.datacenters().map((row) => [row.name, row]))
    for (const [name, { clusterId, line }] of this.#open) {
      if (rows.get(name)?.clusterId === clusterId) continue
      this.#open.delete(name)
      line.close()
    }
    for (const { name, clusterId } of rows.values())
      if (!this.#open.has(name)) this.#open.set(name, { clusterId, line: this.#dial(name) })
  }

  #dial(name: string): FarLine {
    const { dial, store } = this.#ports
    const row = (): Datacenter | undefined => store.view().datacenter(name)
    return dial(row)
  }
}

/** An answer of another datacenter, with failures of the road told as such. */
export function roadOf<Value>(datacenter: string, result: Result<Value>): Result<Value> {
  if (result.ok || !noRoad.has(result.failure.code)) return result
  const failure: Failure = {
    code: 'datacenter-unreachable',
    message: `No path to datacenter "${datacenter}" now: ${result.failure.message}`,
  }
  return { ok: false, failure }
}
