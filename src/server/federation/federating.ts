/**
 * How two datacenters come to know each other: the primary redeems the token of the one that comes (`federate`), the other shows
 * it and writes down whom it has joined (`join`). Decision 0008 tells what each trusts the other with afterwards.
 */
import type { Principal } from '../../model/access.ts'
import type { Command } from '../../model/command.ts'
import { type DatacenterFacts, type FederationFacts, faultOf } from '../../model/datacenter.ts'
import { type Failure, failed, ok, type Result } from '../../model/errors.ts'
import type { FederateRequest, Peer, Reply } from '../../rpc/contract.ts'
import { type EnrollmentToken, enrollmentHash, parseEnrollmentToken } from '../../rpc/enrollment-token.ts'
import type { Access } from '../access/access.ts'
import type { Written } from '../admission/admission.ts'
import type { Store } from '../store/store.ts'
import type { View } from '../store/view.ts'

export interface FederatingPorts {
  readonly store: Pick<Store, 'view'>
  readonly access: Pick<Access, 'refusals'>
  /** Name of this server: the principal that writes down who came. */
  readonly server: string
  /** What other datacenters may know of this one. */
  readonly facts: (view: View) => FederationFacts
  /** Has a command written at the leader, wherever that is. */
  readonly write: (principal: Principal, command: Command, reply: Reply<Written>) => void
  /** Asks one server of another datacenter over a connection that trusts the pin only. */
  readonly ask: (
    target: { readonly address: string; readonly pin: string },
    request: FederateRequest,
    reply: Reply<FederationFacts>,
  ) => void
  /** `primary_datacenter` of the configuration; '' where it says nothing. */
  readonly expectedPrimary: string
}

export interface JoinWish {
  readonly tokenText: string
  /** Entries that exist here may be replaced by those of the primary. */
  readonly replacesEntries: boolean
}

interface Asking {
  readonly token: EnrollmentToken
  readonly request: FederateRequest
  readonly left: readonly string[]
}

const none: Failure = { code: 'no-server', message: 'the token names no server' }

export class Federating {
  readonly #ports: FederatingPorts

  constructor(ports: FederatingPorts) {
    this.#ports = ports
  }

  /** Another datacenter comes with a token of ours. The log decides who was first to use it. */
  federate(peer: Peer, { secret, facts }: FederateRequest, reply: Reply<FederationFacts>): void {
    const { store, access, write, server } = this.#ports
    const refuse = access.refusals('federate', peer)
    const checked = this.#checkCaller(secret, facts)
    if (!checked.ok) {
      reply(refuse(checked))
      return
    }
    const datacenter = { ...facts, isPrimary: false }
    const command = { type: 'datacenter.federate', tokenHash: enrollmentHash(secret), datacenter } as const
    write({ kind: 'server', node: server }, command, (result) =>
      reply(result.ok ? ok(this.#ports.facts(store.view())) : refuse(result)),
    )
  }

  /** Joins the datacenter that made the token. Replies with its name once this side has written it down, too. */
  join({ tokenText, replacesEntries }: JoinWish, reply: Reply<{ readonly datacenter: string }>): void {
    const token = parseEnrollmentToken(tokenText)
    const fits = token.ok ? this.#checkJoin(token.value, replacesEntries) : token
    if (!token.ok || !fits.ok) {
      reply(fits.ok ? failed('bad-request', 'no token') : fits)
      return
    }
    // Who was shut out here may be a long list, which the other side asks for later by itself.
    const { evicted: _later, ...facts } = this.#ports.facts(this.#ports.store.view()).own
    const request = { secret: token.value.secret, facts }
    this.#askNext({ token: token.value, request, left: token.value.servers }, none, (answer) => {
      if (answer.ok) this.#writeDown(token.value, answer.value, reply)
      else reply(answer)
    })
  }

  #checkCaller(secret: string, facts: DatacenterFacts): Result<true> {
    const view = this.#ports.store.view()
    // In an order that tells a holder of no valid token nothing.
    const enrollment = view.enrollment(enrollmentHash(secret))
    if (enrollment === undefined) return failed('token-unknown', 'the token was never issued by this cluster')
    const primary = view.primary()?.name
    if (primary !== undefined)
      return failed('conflict', `this is a secondary datacenter of "${primary}"; make the token there`)
    const fault = faultOf(facts)
    return fault === undefined ? ok(true) : failed('bad-request', `the datacenter that comes: ${fault}`)
  }

  #checkJoin(token: EnrollmentToken, replacesEntries: boolean): Result<true> {
    const { store, expectedPrimary } = this.#ports
    const view = store.view()
    const own = view.settings()?.datacenter ?? ''
    if (token.role !== 'datacenter')
      return failed('bad-token', 'the token is not for a datacenter; make one with `mesh federation token`')
    if (token.datacenter === own)
      return failed(
        'conflict',
        `the token is of a datacenter "${own}", too; one of the two needs another name`,
      )
    const primary = view.primary()?.name
    if (primary !== undefined && primary !== token.datacenter)
      return failed('conflict', `the primary datacenter is "${primary}" already`)
    if (expectedPrimary !== '' && expectedPrimary !== token.datacenter)
      return failed(
        'conflict',
        `primary_datacenter is "${expectedPrimary}" in the configuration, the token is of "${token.datacenter}"`,
      )
    if (view.datacenters().length > 0 && primary === undefined)
      return failed('conflict', 'this datacenter is the primary of others; they would have two')
    if (!replacesEntries && primary === undefined && hasEntries(view))
      return failed(
        'conflict',
        'this datacenter has intentions of its own, and those of the primary would take their place; say so with -replace-intentions',
      )
    return ok(true)
  }

  /** A server that is not there, or knows no leader, is passed over; any other refusal is the datacenter's answer. */
  #askNext({ token, request, left }: Asking, failure: Failure, reply: Reply<FederationFacts>): void {
    const [address, ...rest] = left
    if (address === undefined) {
      reply({ ok: false, failure })
      return
    }
    this.#ports.ask({ address, pin: token.pin }, request, (result) => {
      const mayGoOn =
        !result.ok && (result.failure.code === 'no-server' || result.failure.code === 'no-leader')
      if (mayGoOn) this.#askNext({ token, request, left: rest }, result.failure, reply)
      else reply(result)
    })
  }

  #writeDown(
    token: EnrollmentToken,
    { own }: FederationFacts,
    reply: Reply<{ readonly datacenter: string }>,
  ): void {
    const { write, server } = this.#ports
    const isPinned = own.hostRoots.some(({ id }) => id === token.pin)
    if (own.name !== token.datacenter || !isPinned) {
      reply(failed('wrong-cluster', 'the server that answered describes another datacenter than the token'))
      return
    }
    const command = { type: 'datacenter.set', datacenter: { ...own, isPrimary: true } } as const
    write({ kind: 'server', node: server }, command, (result) =>
      reply(result.ok ? ok({ datacenter: own.name }) : result),
    )
  }
}

function hasEntries(view: View): boolean {
  for (const _ of view.eachIntention()) return true
  return false
}
