/**
 * Compares the servers in the background: the leader marks a place in the log, every server hashes its state there and reads
 * its log back from the disk, and the leader's findings come as another entry that each compares with its own. So a server
 * whose memory, disk or program went wrong is found before its vote or its snapshot does harm. All of it in small steps.
 */
import type { Command } from '../../model/command.ts'
import { MeshError } from '../../model/errors.ts'
import { type LogIndex, logIndex } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Metrics, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Machine } from '../apply/machine.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Driver } from '../consensus/driver.ts'
import { StateHash } from '../store/snapshot.ts'
import type { Store } from '../store/store.ts'
import type { View } from '../store/view.ts'
import { LogHash } from './log-hash.ts'

export interface VerifierPorts {
  readonly store: Store
  readonly machine: Pick<Machine, 'onVerify'>
  readonly consensus: Pick<Consensus, 'onLeadership'> & Pick<Driver, 'readLog'>
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly metrics: Metrics
  readonly everyMs: number
}

/** What one server found at one mark. */
interface Finding {
  readonly index: number
  readonly hash: string
  /** '' where the log does not reach back to where the mark says. */
  readonly logHash: string
}

export class Verifier {
  readonly #ports: VerifierPorts
  #leading: boolean = false
  #timer: Timer | undefined
  #step: Timer | undefined
  /** Newest mark that was applied here; 0: none since this process runs. */
  #markedAt = 0
  #found: Finding | undefined
  /** The leader's, where it came before the own. */
  #awaited: Finding | undefined
  #divergedAt = 0

  constructor(ports: VerifierPorts) {
    this.#ports = ports
    ports.machine.onVerify((command, view) => {
      if (command.type === 'verify.mark') this.#begin(view, command.logFrom)
      else this.#hear(command)
    })
    ports.consensus.onLeadership((leading) => {
      this.#leading = leading
      this.#timer?.cancel()
      if (leading) this.#plan()
    })
  }

  /** Log index at which this server was found to differ from its leader; 0: it was not. */
  get divergedAt(): number {
    return this.#divergedAt
  }

  stop(): void {
    this.#timer?.cancel()
    this.#step?.cancel()
  }

  #plan(): void {
    this.#timer = this.#ports.clock.after(this.#ports.everyMs, () => {
      this.#plan()
      this.#mark()
    })
  }

  #mark(): void {
    const { store, write, log } = this.#ports
    const { index, featureLevel } = store.view()
    if (featureLevel < 2) return
    const logFrom = Math.max(1, this.#markedAt, index - limits.verifyLogEntries)
    write({ type: 'verify.mark', logFrom }, (result) => {
      if (!result.ok) log.warn('the servers could not be compared, will be repeated', { ...result.failure })
    })
  }

  #begin(view: View, logFrom: number): void {
    this.#step?.cancel()
    this.#markedAt = view.index
    this.#awaited = undefined
    const state = new StateHash(view)
    const goOn = (): void => {
      const hash = state.step(limits.verifyStepChars)
      if (hash === undefined) this.#later(goOn)
      else this.#readLog(view.index, hash, logIndex(logFrom))
    }
    this.#later(goOn)
  }

  #readLog(index: number, hash: string, from: LogIndex): void {
    const log = new LogHash(from, logIndex(index))
    const goOn = (): void => {
      const logHash = this.#logStep(log)
      if (logHash === undefined) this.#later(goOn)
      else this.#finish({ index, hash, logHash })
    }
    this.#later(goOn)
  }

  /** The hash at the end, '' where it cannot be had, undefined while there is more. */
  #logStep(log: LogHash): string | undefined {
    const { consensus } = this.#ports
    try {
      const entries = consensus.readLog(log.next, log.to, limits.verifyStepBytes)
      return entries === undefined ? '' : log.take(entries)
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      this.#differs(log.next, `its log cannot be read back: ${error.message}`)
      return ''
    }
  }

  #later(run: () => void): void {
    this.#step = this.#ports.clock.after(limits.verifyRestMs, run)
  }

  #finish(found: Finding): void {
    const { write, log } = this.#ports
    this.#found = found
    if (this.#awaited !== undefined) this.#compare(this.#awaited)
    else if (this.#leading)
      write({ type: 'verify.result', ...found }, (result) => {
        if (!result.ok) log.warn('the servers could not be compared, will be repeated', { ...result.failure })
      })
  }

  #hear({ index, hash, logHash }: Finding): void {
    if (this.#found?.index === index) this.#compare({ index, hash, logHash })
    else if (this.#markedAt === index) this.#awaited = { index, hash, logHash }
    // A server that was not there at the mark has nothing to compare.
    else this.#ports.metrics.count('mesh_verify_total', { result: 'skipped' })
  }

  #compare(leaders: Finding): void {
    const own = this.#found
    if (own === undefined) return
    const isLogKnown = own.logHash !== '' && leaders.logHash !== ''
    if (own.hash !== leaders.hash) this.#differs(own.index, 'its state is not the leader’s')
    else if (isLogKnown && own.logHash !== leaders.logHash)
      this.#differs(own.index, 'its log is not the leader’s')
    else {
      this.#ports.metrics.count('mesh_verify_total', { result: 'equal' })
      this.#ports.log.debug('this server was compared with its leader', { index: own.index })
    }
  }

  #differs(index: number, what: string): void {
    const { log, metrics } = this.#ports
    this.#divergedAt = Math.max(1, index)
    metrics.count('mesh_verify_total', { result: 'different' })
    metrics.gauge('mesh_verify_diverged', 1)
    log.error('this server differs from its leader and must not be relied on', {
      index,
      what,
      remedy: 'mesh operator raft rejoin, see docs/operations.md',
    })
  }
}
