/**
 * This server's business with other datacenters, as its other rooms see it: where a request belongs, and the way there.
 * What is kept of the others, and what is copied from them, are the files beside this one.
 */
import { authorize, type Principal, principalName } from '../../model/access.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { QueryName, ReadAnswer } from '../../model/query.ts'
import type { ReadRequest, Reply, WriteRequest } from '../../rpc/contract.ts'
import type { Written } from '../admission/admission.ts'
import type { Store } from '../store/store.ts'
import { type CopyWait, type EntryCommand, isEntryCommand } from './copy-wait.ts'
import { type Lines, roadOf } from './lines.ts'
import { conditionAtPrimary } from './primary-condition.ts'

export interface FederationPorts {
  readonly store: Pick<Store, 'view'>
  readonly lines: Pick<Lines, 'read' | 'to'>
  readonly copies: CopyWait
}

export class Federation {
  readonly #ports: FederationPorts

  constructor(ports: FederationPorts) {
    this.#ports = ports
  }

  /** Whether the request is for another datacenter than ours. */
  isElsewhere({ datacenter = '' }: { readonly datacenter?: string }): boolean {
    return datacenter !== '' && datacenter !== this.#ports.store.view().settings()?.datacenter
  }

  /**
   * Asks there. What the caller may read, that datacenter decides by the token that goes along. `from` is the datacenter of
   * the caller where it is not ours: such a one has ways of its own.
   */
  read<Name extends QueryName>(
    { datacenter = '', ...request }: ReadRequest<Name>,
    from: string | undefined,
    reply: Reply<ReadAnswer<Name>>,
  ): { cancel(): void } {
    if (from === undefined) return this.#ports.lines.read(datacenter, request, reply)
    reply(noTransit)
    return { cancel: () => undefined }
  }

  /** Writes there, with the rights that the token has there. */
  write({ datacenter = '', command, token }: WriteRequest, reply: Reply<Written>): void {
    const line = this.#ports.lines.to(datacenter)
    if (!line.ok) reply(line)
    else line.value.write({ command, token }, (result) => reply(roadOf(datacenter, result)))
  }

  /** The command, where it is one that another datacenter, the primary, has to write. */
  primarys(command: WriteRequest['command']): EntryCommand | undefined {
    return isEntryCommand(command) && this.#ports.store.view().primary() !== undefined ? command : undefined
  }

  /**
   * Has the primary write it, and waits for the copy. For somebody whom this server has identified it vouches; a token that
   * says nothing here may say something there.
   */
  writeAtPrimary(
    by: Principal | { readonly token: string },
    command: EntryCommand,
    reply: Reply<Written>,
  ): void {
    const view = this.#ports.store.view()
    const primary = view.primary()?.name ?? ''
    const allowed = 'token' in by ? ok(true) : authorize(by, { kind: 'operate' })
    if (!allowed.ok) {
      reply(allowed)
      return
    }
    const who = 'token' in by ? by : { token: '', operator: principalName(by) }
    conditionAtPrimary({ view, read: this.#ports.lines.read, primary }, command, (asked) => {
      if (!asked.ok) reply(asked)
      else if (asked.value === undefined) reply(unchangedAt(view.index))
      else this.#send(primary, { command: asked.value, ...who }, reply)
    })
  }

  #send(
    primary: string,
    request: WriteRequest & { readonly command: EntryCommand },
    reply: Reply<Written>,
  ): void {
    const { lines, copies, store } = this.#ports
    const line = lines.to(primary)
    if (!line.ok) {
      reply(line)
      return
    }
    line.value.write(request, (result) => {
      const written = roadOf(primary, result)
      if (!written.ok) reply(written)
      else if (written.value.value.kind === 'unchanged') reply(unchangedAt(store.view().index))
      // The index there says nothing here, where proxies are asked which rules they enforce.
      else copies.wait(request.command, ({ index }) => reply(ok({ ...written.value, index })))
    })
  }
}

const unchangedAt = (index: number): Result<Written> => ok({ ok: true, index, value: { kind: 'unchanged' } })

const noTransit = failed('unknown-datacenter', 'requests of one datacenter are not passed on to a third')

/** Whom a write of another datacenter's server is made for: its operator where it says one, and that only for entries. */
export function vouchedFor(
  datacenter: string,
  { command, operator = '' }: WriteRequest,
): Result<Principal> | undefined {
  if (operator === '') return undefined
  if (!isEntryCommand(command))
    return failed('bad-token', 'another datacenter vouches for its operators in intentions and entries only')
  const name = `${operator.replace(/^operator:/, '')}@${datacenter}`
  return ok({ kind: 'operator', name: name.slice(0, maxOperatorChars) })
}

const maxOperatorChars = 128
