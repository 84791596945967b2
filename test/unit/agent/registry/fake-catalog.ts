// A server reduced to the catalog of one node: takes commands, answers `catalog.node`, fails when told to.
import { type Check, memberCheckId } from '../../../../src/model/check.ts'
import type { Command } from '../../../../src/model/command.ts'
import { type Failure, failed, ok } from '../../../../src/model/errors.ts'
import { limits } from '../../../../src/model/limits.ts'
import type { Node } from '../../../../src/model/node.ts'
import type { NodeServices } from '../../../../src/model/query.ts'
import type { Service } from '../../../../src/model/service.ts'
import type { Clock } from '../../../../src/platform/ports.ts'
import type { ServerClient } from '../../../../src/rpc/contract.ts'

const delayMs = 5

export class FakeCatalog {
  readonly #clock: Clock
  node: Node | undefined
  readonly services = new Map<string, Service>()
  readonly checks = new Map<string, Check>()
  readonly commands: Command[] = []
  reads = 0
  calls = 0
  /** Every call fails with this while it is set. */
  outage: Failure | undefined
  /** Refuses a command for a reason of its own. */
  refuse: (command: Command) => Failure | undefined = () => undefined
  inFlight = 0
  mostInFlight = 0
  index = 10

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly client: Pick<ServerClient, 'read' | 'write'> = {
    read: (request, reply) => {
      this.reads += 1
      this.#later(() => {
        if (this.outage !== undefined) reply({ ok: false, failure: this.outage })
        else {
          const meta = {
            index: this.index,
            knownLeader: true,
            lastContactMs: 0,
            effective: 'leader',
          } as const
          // The only query that anti-entropy makes.
          if (request.name === 'catalog.node') reply(ok({ meta, answer: this.#answer() as never }))
        }
      })
      return { cancel: () => undefined }
    },
    write: ({ command }, reply) => {
      this.#later(() => {
        if (this.outage !== undefined) reply({ ok: false, failure: this.outage })
        else {
          this.commands.push(command)
          const failure = this.refuse(command) ?? this.#apply(command)
          this.index += 1
          if (failure === undefined) reply(ok({ ok: true, index: this.index, value: { kind: 'done' } }))
          else reply({ ok: false, failure })
        }
      })
    },
  }

  #later(work: () => void): void {
    this.calls += 1
    this.inFlight += 1
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    this.#clock.after(delayMs, () => {
      this.inFlight -= 1
      work()
    })
  }

  /** Through JSON, as over a wire, with the keys in another order: identity must not matter. */
  #answer(): NodeServices | null {
    if (this.node === undefined) return null
    const indexes = { createIndex: 3, modifyIndex: this.index }
    const row = <T extends object>(value: T): T & typeof indexes =>
      JSON.parse(JSON.stringify({ ...indexes, ...reversed(value) }))
    return {
      node: row(this.node),
      services: [...this.services.values()].map(row),
      checks: [...this.checks.values()].map(row),
    }
  }

  #apply(command: Command): Failure | undefined {
    if (JSON.stringify(command).length > limits.commandBytes)
      return failed('too-large', 'the command is too large').failure
    if (command.type === 'catalog.register') return this.#register(command)
    if (command.type === 'catalog.deregister') this.#deregister(command)
    return undefined
  }

  #register(command: Extract<Command, { type: 'catalog.register' }>): Failure | undefined {
    if (typeof command.node !== 'string') this.node = command.node
    if (this.node === undefined) return failed('not-found', 'no such node').failure
    for (const service of command.services) this.services.set(service.id, service)
    for (const check of command.checks) {
      if (check.serviceId !== '' && !this.services.has(check.serviceId))
        return failed('invalid-service', `check ${check.checkId} has no service`).failure
      this.checks.set(check.checkId, check)
    }
    return undefined
  }

  #deregister(command: Extract<Command, { type: 'catalog.deregister' }>): void {
    if (command.checkId !== undefined) this.checks.delete(command.checkId)
    else if (command.serviceId !== undefined) {
      this.services.delete(command.serviceId)
      for (const check of this.checks.values())
        if (check.serviceId === command.serviceId) this.checks.delete(check.checkId)
    }
  }

  /** As the servers write it from membership. */
  addMemberCheck(node: string): void {
    this.checks.set(memberCheckId, {
      node,
      checkId: memberCheckId,
      name: 'Serf Health Status',
      status: 'passing',
      notes: '',
      output: 'Agent alive and reachable',
      serviceId: '',
      serviceName: '',
      serviceTags: [],
      type: 'member',
      interval: '',
      timeout: '',
    })
  }

  /** Everything but what the servers own, to compare with the host's rows. */
  holdings(): { readonly services: readonly Service[]; readonly checks: readonly Check[] } {
    const byId = <T extends { readonly id?: string; readonly checkId?: string }>(a: T, b: T): number =>
      (a.id ?? a.checkId ?? '') < (b.id ?? b.checkId ?? '') ? -1 : 1
    return {
      services: [...this.services.values()].filter(({ id }) => id !== 'consul').sort(byId),
      checks: [...this.checks.values()].filter(({ checkId }) => checkId !== memberCheckId).sort(byId),
    }
  }
}

function reversed<T extends object>(value: T): object {
  return Object.fromEntries(Object.entries(value).reverse())
}
