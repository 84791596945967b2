// What the clients do: small groups meet at a key for a while, read, write, swap and delete it, and go on to the next; now
// and then each client adds a key of its own that nobody touches again, so that a lost acknowledged write can be counted.
import type { Random } from '../../src/platform/ports.ts'
import { pause } from '../bench/load/closed-loop.ts'
import type { History } from './history.ts'
import type { RegisterInput, RegisterOutput } from './register.ts'
import type { Answer, Held, StoreClient, SystemUnderTest } from './system.ts'

export interface WorkloadOptions {
  readonly clients: number
  readonly operationsPerClient: number
  /** Mean pause between two operations of a client. */
  readonly pauseMs: number
  readonly random: Random
}

const clientsPerKey = 5
const operationsPerKey = 500
const timeoutsMs = { least: 60, most: 500 } as const
export const addedPrefix = 'added/'

export class Workload {
  readonly acknowledged = new Set<string>()
  private readonly system: SystemUnderTest
  private readonly history: History
  private readonly options: WorkloadOptions
  private finished = 0
  private values = 0

  constructor(system: SystemUnderTest, history: History, options: WorkloadOptions) {
    this.system = system
    this.history = history
    this.options = options
  }

  get finishedClients(): number {
    return this.finished
  }

  /** Resolves when every client has done its operations. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.options.clients }, (_, client) => this.client(client)))
  }

  /** One read of every shared key, and the list of those that were added, after the last fault. */
  async finalReads(): Promise<{ readonly lost: readonly string[] }> {
    const client = this.system.client(0, 1)
    try {
      for (const key of this.history.byKey().keys()) {
        if (key.startsWith(addedPrefix)) continue
        let answered = false
        for (let attempt = 0; attempt < 20 && !answered; attempt++)
          answered = (
            await this.perform(this.options.clients, key, { kind: 'read' }, { client, known: undefined })
          ).isSure
      }
      for (let attempt = 0; attempt < 20; attempt++) {
        const listed = await client.list(addedPrefix)
        if (listed.kind !== 'ok') continue
        const there = new Set(listed.value)
        return { lost: [...this.acknowledged].filter((key) => !there.has(key)) }
      }
      throw new Error('the keys could not be listed after the last fault')
    } finally {
      client.close()
    }
  }

  private async client(number: number): Promise<void> {
    const { random, operationsPerClient, pauseMs } = this.options
    const ways = Array.from({ length: this.system.members }, (_, member) =>
      this.system.client(member, number),
    )
    let member = number % ways.length
    let known: Held | null | undefined
    let keyBefore = ''
    for (let done = 0; done < operationsPerClient; done++) {
      const key = this.keyOf(number, done)
      if (key !== keyBefore) known = undefined
      keyBefore = key
      const client = ways[member]
      if (client === undefined) throw new Error('no such member')
      let isSure = true
      if (random.fraction() < 0.1) isSure = await this.addKey(client, number)
      else {
        const after = await this.perform(number, key, this.choose(known), { client, known })
        isSure = after.isSure
        known = after.known
      }
      // A client whose server does not answer goes to another one, as a library would.
      if (!isSure && random.fraction() < 0.5) member = Math.floor(random.fraction() * ways.length)
      await pause(random.fraction() * 2 * pauseMs)
    }
    for (const way of ways) way.close()
    this.finished += 1
  }

  private keyOf(client: number, done: number): string {
    const group = Math.floor(client / clientsPerKey)
    return `key/${group}/${Math.floor((done * clientsPerKey) / operationsPerKey)}`
  }

  private choose(known: Held | null | undefined): RegisterInput {
    const one = this.options.random.fraction()
    if (one < 0.35 || (known === undefined && one < 0.6)) return { kind: 'read' }
    this.values += 1
    const value = `v${this.values}`
    if (one < 0.62) return { kind: 'write', value }
    if (one < 0.65) return { kind: 'delete' }
    return known === undefined ? { kind: 'read' } : { kind: 'cas', expected: known?.value ?? null, value }
  }

  private async addKey(client: StoreClient, number: number): Promise<boolean> {
    this.values += 1
    const key = `${addedPrefix}${number}/${this.values}`
    const begun = performance.now()
    const answer = await client.write(key, key, this.timeoutMs())
    if (answer.kind === 'ok') this.acknowledged.add(key)
    this.record({ client: number, key, input: { kind: 'write', value: key } }, begun, doneOutput(answer))
    return answer.kind === 'ok'
  }

  private async perform(
    number: number,
    key: string,
    input: RegisterInput,
    from: { readonly client: StoreClient; readonly known: Held | null | undefined },
  ): Promise<{ readonly isSure: boolean; readonly known: Held | null | undefined }> {
    const { client, known } = from
    const timeoutMs = this.timeoutMs()
    const begun = performance.now()
    const of = { client: number, key, input }
    switch (input.kind) {
      case 'read': {
        const answer = await client.read(key, timeoutMs)
        const isSure = answer.kind === 'ok'
        this.record(of, begun, isSure ? { kind: 'value', value: answer.value?.value ?? null } : undefined)
        return { isSure, known: isSure ? answer.value : undefined }
      }
      case 'cas': {
        const version = known?.version ?? null
        const answer = await client.swap(key, { version, value: input.value }, timeoutMs)
        this.recordAnswer(
          of,
          begun,
          answer,
          answer.kind === 'ok' ? { kind: 'swapped', swapped: answer.value } : undefined,
        )
        return { isSure: answer.kind === 'ok', known: undefined }
      }
      case 'write':
      case 'delete': {
        const answer =
          input.kind === 'write'
            ? await client.write(key, input.value, timeoutMs)
            : await client.remove(key, timeoutMs)
        this.recordAnswer(of, begun, answer, doneOutput(answer))
        return { isSure: answer.kind === 'ok', known: undefined }
      }
    }
  }

  /** What surely had no effect is no part of the history. */
  private recordAnswer(
    of: { readonly client: number; readonly key: string; readonly input: RegisterInput },
    begun: number,
    answer: Answer<unknown>,
    output: RegisterOutput | undefined,
  ): void {
    if (answer.kind !== 'failed') this.record(of, begun, output)
    else this.refused += 1
  }

  /** Operations that were answered with a refusal that says they had no effect. */
  refused = 0

  private record(
    of: { readonly client: number; readonly key: string; readonly input: RegisterInput },
    calledAt: number,
    output: RegisterOutput | undefined,
  ): void {
    const gaveUpAt = performance.now()
    const returnedAt = output === undefined ? Number.POSITIVE_INFINITY : gaveUpAt
    this.history.add({ ...of, output, calledAt, returnedAt, gaveUpAt })
  }

  private timeoutMs(): number {
    const { least, most } = timeoutsMs
    return least + this.options.random.fraction() * (most - least)
  }
}

const doneOutput = (answer: Answer<true>): RegisterOutput | undefined =>
  answer.kind === 'ok' ? { kind: 'done' } : undefined
