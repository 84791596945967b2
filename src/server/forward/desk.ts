/**
 * Where writes from other servers arrive at the leader. The sender has identified who asks; what that principal may do is
 * judged here by the newest state. What comes this way is proposed here or refused, never sent on.
 */
import { type Principal, principalName } from '../../model/access.ts'
import { type Envelope, isCommandType } from '../../model/command.ts'
import { type Failure, failed, ok, type Result } from '../../model/errors.ts'
import type { NodeId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Log } from '../../platform/ports.ts'
import type { FrameStream, Reply } from '../../rpc/contract.ts'
import type { ForwardAnswer, ForwardFrame } from '../../rpc/server-contract.ts'
import { decodeEnvelope } from '../../wire/command.ts'
import type { Admission, Written } from '../admission/admission.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { StateView } from '../store/state.ts'

export interface DeskPorts {
  readonly consensus: Pick<Consensus, 'readBarrier' | 'status'>
  readonly admission: Pick<Admission, 'write'>
  readonly view: () => Pick<StateView, 'host'>
  readonly log: Log
}

type Stream = FrameStream<ForwardAnswer, ForwardFrame>

export class ForwardDesk {
  readonly #ports: DeskPorts

  constructor(ports: DeskPorts) {
    this.#ports = ports
  }

  /** `from` is the server that the transport has authenticated. */
  open(from: NodeId, stream: Stream): void {
    let underWay = 0
    let isClosed = false
    const end = (failure: Failure): void => {
      isClosed = true
      stream.destroy(failure)
    }
    stream.listen({
      onFrame: ({ id, envelope }) => {
        if (isClosed) return
        if (underWay >= limits.forwardsInFlight) {
          end(failed('overloaded', 'more writes at once than a server may send').failure)
          return
        }
        underWay += 1
        this.#write(from, envelope, (result) => {
          underWay -= 1
          if (isClosed) return
          stream.send(answerOf(id, result))
          if (stream.queuedBytes() > limits.forwardQueueBytes)
            end(failed('overloaded', 'the server does not read its answers').failure)
        })
      },
      onDrain: () => undefined,
      onClose: () => {
        isClosed = true
      },
    })
    stream.send({ kind: 'ready' })
  }

  #write(from: NodeId, bytes: Uint8Array, done: Reply<Written>): void {
    const { consensus, admission, log } = this.#ports
    if (consensus.status().role !== 'leader') {
      done(failed('no-leader', 'the server that was asked leads no more'))
      return
    }
    const envelope = readEnvelope(bytes)
    if (!envelope.ok) {
      log.warn('a write from another server could not be read', { from, ...envelope.failure })
      done(envelope)
      return
    }
    const { principal, command } = envelope.value
    this.#refresh(principal, (now) => {
      if (now.ok) admission.write(now.value, command, done)
      else {
        const { code, message: reason } = now.failure
        log.info('write refused', { from, principal: principalName(principal), code, reason })
        done(now)
      }
    })
  }

  /**
   * The sender's state may be older than ours: what a host may write stands in its newest row. It may be newer by what is
   * committed and not applied here yet, so a host that is not known is looked for again when that has been.
   */
  #refresh(principal: Principal, done: (now: Result<Principal>) => void): void {
    if (principal.kind !== 'host' || this.#ports.view().host(principal.node) !== undefined) {
      done(this.#present(principal))
      return
    }
    this.#ports.consensus.readBarrier((barrier) => done(barrier.ok ? this.#present(principal) : barrier))
  }

  #present(principal: Principal): Result<Principal> {
    if (principal.kind !== 'host') return ok(principal)
    const { node, nodeId } = principal
    const host = this.#ports.view().host(node)
    if (host === undefined || host.nodeId !== nodeId)
      return failed('not-enrolled', `host "${node}" is not enrolled in this cluster`)
    if (host.evicted) return failed('host-evicted', `host "${node}" was evicted from the mesh`)
    return ok({ ...principal, services: host.services })
  }
}

/** Written by a server of another version, perhaps: what this one does not know it must not log. */
function readEnvelope(bytes: Uint8Array): Result<Envelope> {
  try {
    const envelope = decodeEnvelope(bytes)
    if (!envelope.ok || isCommandType(envelope.value.command.type)) return envelope
    return failed('unsupported-feature', 'the leader does not know this command; it may be older')
  } catch {
    return failed('bad-request', 'the write is not well formed')
  }
}

function answerOf(id: number, result: Result<Written>): ForwardAnswer {
  if (!result.ok) return { kind: 'refused', id, failure: result.failure }
  const { index, value } = result.value
  return { kind: 'written', id, index, value }
}
