/**
 * The first step of a rotation of the service plane's root, which only a server can do: makes a root and seals its key. An
 * interrupted rotation is gone on with. Any server may be asked; the rest are commands of the operator (apply/roots.ts).
 */
import type { Command } from '../../model/command.ts'
import { failed, ok } from '../../model/errors.ts'
import type { Clock, Random } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { PreparedRoot } from '../../rpc/operator.ts'
import type { StateView } from '../store/state.ts'
import { makeRoot } from './genesis.ts'

export interface RootRotationPorts {
  readonly view: () => StateView
  readonly clusterKey: Uint8Array
  /** How long what was signed last is valid. */
  readonly leafTtlMs: number
  /** As this server. */
  readonly write: (command: Command, reply: Reply<{ readonly index: number }>) => void
  readonly clock: Clock
  readonly random: Random
}

export class RootRotation {
  readonly #ports: RootRotationPorts

  constructor(ports: RootRotationPorts) {
    this.#ports = ports
  }

  /** Answers the root that is trusted and does not sign yet. */
  prepare(reply: Reply<PreparedRoot>): void {
    const { view, clusterKey, write, clock, random } = this.#ports
    const waiting = view()
      .roots('service')
      .find(({ active, retiredAtMs }) => !active && retiredAtMs === undefined)
    const settings = view().settings()
    if (waiting !== undefined) reply(ok({ id: waiting.id, index: waiting.modifyIndex }))
    else if (settings === undefined) reply(failed('no-leader', 'this server is not part of a cluster yet'))
    else {
      const made = makeRoot('service', settings.clusterId, {
        random,
        secrets: { clusterKey },
        nowMs: clock.wallMs(),
      })
      write({ type: 'root.add', root: { ...made, active: false } }, (result) =>
        reply(result.ok ? ok({ id: made.id, index: result.value.index }) : result),
      )
    }
  }

  remove(
    { id, force }: { readonly id: string; readonly force: boolean },
    reply: Reply<{ readonly index: number }>,
  ): void {
    const { write, clock, leafTtlMs } = this.#ports
    const retiredBeforeMs = force ? Number.MAX_SAFE_INTEGER : clock.wallMs() - leafTtlMs
    write({ type: 'root.remove', id, retiredBeforeMs }, (result) =>
      reply(result.ok ? ok({ index: result.value.index }) : result),
    )
  }
}
