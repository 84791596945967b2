/**
 * The last status of each check, kept so that a restart of the agent does not make healthy services critical until
 * their checks ran again. Written behind the changes in small batches: a status lost by a power cut is found anew.
 *
 * A TTL status is restored only within its life, which is written so often that at least half of it is on disk.
 */
import type { CheckDefinition, CheckStatus } from '../../model/check.ts'
import type { Clock, Log, StateFiles, Timer } from '../../platform/ports.ts'
import type { LocalCheck } from '../contract.ts'
import type { RegistryEvent } from './events.ts'
import { readSaved, savedPath, writeSaved } from './saved-file.ts'

const folder = 'check-state'
const writeAfterMs = 1_000
/** Files written in one turn; the rest waits for the next, so that a burst never holds the loop for long. */
const filesPerTurn = 32

export interface RestoredStatus {
  readonly status: CheckStatus
  readonly output: string
  /** 0 for checks that are no TTL checks. */
  readonly ttlLeftMs: number
}

interface TtlLife {
  readonly row: LocalCheck | undefined
  readonly validUntilMs: number
  /** What the file says, and the status in it. */
  readonly savedUntilMs: number
  readonly savedStatus: CheckStatus | undefined
}

export class SavedStatuses {
  readonly #files: StateFiles
  readonly #clock: Clock
  readonly #log: Log
  readonly #dirty = new Map<string, LocalCheck>()
  readonly #lives = new Map<string, TtlLife>()
  #timer: Timer | undefined

  constructor(options: { readonly files: StateFiles; readonly clock: Clock; readonly log: Log }) {
    this.#files = options.files
    this.#clock = options.clock
    this.#log = options.log
  }

  restore(definition: CheckDefinition): RestoredStatus | undefined {
    const { type } = definition.probe
    if (type === 'alias') return undefined
    const saved = readSaved(this.#files, savedPath(folder, definition.checkId), this.#log)
    if (saved === undefined || saved['checkId'] !== definition.checkId || saved['type'] !== type)
      return undefined
    const status = saved['status']
    if (status !== 'passing' && status !== 'warning' && status !== 'critical') return undefined
    const output = String(saved['output'])
    if (definition.probe.type !== 'ttl') return { status, output, ttlLeftMs: 0 }
    const validUntilMs = Number(saved['validUntilMs'])
    const ttlLeftMs = Math.min(validUntilMs - this.#clock.wallMs(), definition.probe.ttlMs)
    if (!(ttlLeftMs > 0)) return undefined
    const savedUntilMs = validUntilMs
    this.#lives.set(definition.checkId, { row: undefined, validUntilMs, savedUntilMs, savedStatus: status })
    return { status, output, ttlLeftMs }
  }

  /** To be given every event of the rows. */
  follow(event: RegistryEvent): void {
    if (event.kind === 'status' && event.check.check.type !== 'alias' && event.check.check.type !== 'ttl')
      this.#mark(event.check)
    if (event.kind === 'heartbeat') this.#extend(event.check)
    if (event.kind === 'check-removed') {
      this.#dirty.delete(event.checkId)
      this.#lives.delete(event.checkId)
      this.#files.remove(savedPath(folder, event.checkId))
    }
  }

  /** Writes all that is not on disk yet; for an orderly stop. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const { row, validUntilMs, savedUntilMs } of this.#lives.values())
      if (row !== undefined && validUntilMs > savedUntilMs) this.#dirty.set(row.check.checkId, row)
    for (const row of this.#dirty.values()) this.#write(row)
    this.#dirty.clear()
  }

  /** Removes statuses of checks that are not there any more, such as those of files deleted while the agent was down. */
  sweep(known: Iterable<string>): void {
    const keep = new Set(Array.from(known, (checkId) => savedPath(folder, checkId)))
    for (const name of this.#files.list(folder))
      if (!keep.has(`${folder}/${name}`)) this.#files.remove(`${folder}/${name}`)
  }

  #extend(row: LocalCheck): void {
    const { probe, checkId } = row.definition
    if (probe.type !== 'ttl') return
    const nowMs = this.#clock.wallMs()
    const life = this.#lives.get(checkId)
    const savedUntilMs = life?.savedUntilMs ?? 0
    const savedStatus = life?.savedStatus
    this.#lives.set(checkId, { row, validUntilMs: nowMs + probe.ttlMs, savedUntilMs, savedStatus })
    if (savedStatus !== row.check.status || savedUntilMs - nowMs < probe.ttlMs / 2) this.#mark(row)
  }

  #mark(row: LocalCheck): void {
    this.#dirty.set(row.check.checkId, row)
    this.#timer ??= this.#clock.after(writeAfterMs, () => this.#writeSome())
  }

  #writeSome(): void {
    this.#timer = undefined
    let left = filesPerTurn
    for (const [checkId, row] of this.#dirty) {
      if (left-- === 0) break
      this.#dirty.delete(checkId)
      this.#write(row)
    }
    if (this.#dirty.size > 0) this.#timer = this.#clock.after(0, () => this.#writeSome())
  }

  #write(row: LocalCheck): void {
    const { checkId, status, output, type } = row.check
    const life = this.#lives.get(checkId)
    const value = { checkId, type, status, output, validUntilMs: life?.validUntilMs ?? 0 }
    const written = writeSaved(this.#files, savedPath(folder, checkId), value, false)
    if (!written.ok)
      this.#log.warn('A check status could not be saved', { check: checkId, reason: written.failure.message })
    else if (life !== undefined)
      this.#lives.set(checkId, { ...life, savedUntilMs: life.validUntilMs, savedStatus: status })
  }
}
