// Datacenters of one server each on one virtual clock, with real authorities and certificates; the links between them are calls
// in memory that a test may cut.

import type { EnrollmentRole } from '../../../src/model/authority.ts'
import type { FederationFacts } from '../../../src/model/datacenter.ts'
import type { Result } from '../../../src/model/errors.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Peer, Reply, ServerClient, WriteRequest } from '../../../src/rpc/contract.ts'
import { enrollmentHash, formatEnrollmentToken } from '../../../src/rpc/enrollment-token.ts'
import { type Access, createAccess } from '../../../src/server/access/access.ts'
import type { Written } from '../../../src/server/admission/admission.ts'
import { Authority } from '../../../src/server/ca/authority.ts'
import { makeGenesis, prepareSecrets } from '../../../src/server/ca/genesis.ts'
import { Acquaintance } from '../../../src/server/federation/acquaintance.ts'
import type { FarLine } from '../../../src/server/federation/contract.ts'
import { CopyWait } from '../../../src/server/federation/copy-wait.ts'
import { FarServices } from '../../../src/server/federation/far-services.ts'
import { Federating } from '../../../src/server/federation/federating.ts'
import { Federation } from '../../../src/server/federation/federation.ts'
import { Lines } from '../../../src/server/federation/lines.ts'
import { Replication } from '../../../src/server/federation/replication.ts'
import { routeWrite } from '../../../src/server/federation/write-route.ts'
import { factsOf } from '../../../src/server/queries/federation.ts'
import { generateKey, publicKeyInfo } from '../../../src/wire/x509/keys.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { peerWith } from '../ca/cluster.ts'
import { MemoryFiles, TestRandom } from '../ca/ports.ts'
import { asServer, silentLog, TestServer } from '../store/server.ts'

const linkMs = 20

export class TestDatacenter {
  readonly name: string
  readonly server: TestServer
  readonly access: Access
  readonly authority: Authority
  readonly operatorToken: string
  readonly lines: Lines
  readonly services: FarServices
  readonly federation: Federation
  readonly federating: Federating
  /** This server, as others see it connect. */
  readonly peer: Peer
  readonly #world: World

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    const { clock } = world
    this.server = new TestServer({ clock })
    const { store, random, metrics, consensus, admission, publisher } = this.server
    const secrets = prepareSecrets(new MemoryFiles(), new TestRandom())
    if (!secrets.ok) throw new Error(secrets.failure.message)
    const { clusterKey, operatorToken } = secrets.value
    this.operatorToken = operatorToken
    const nowMs = clock.wallMs()
    const founding = { secrets: secrets.value, random: new TestRandom(), nowMs }
    this.server.applied(makeGenesis({ ...founding, datacenter: name, defaultIntentionAction: 'deny' }))
    const view = () => store.view()
    this.authority = new Authority({
      clusterKey,
      view,
      clock,
      random: new TestRandom(),
      leafTtlMs: limits.leafTtlMs,
    })
    this.peer = this.peerOf('server', 'server-1')
    this.access = createAccess({ view, isServer: () => true, clock, log: silentLog, metrics })
    this.lines = new Lines({ store, dial: (datacenter) => this.#dial(() => datacenter()?.name) })
    const write = (command: Parameters<typeof admission.write>[1], reply: Reply<unknown>): void =>
      admission.write(asServer, command, reply)
    const rooms = { store, consensus, clock, random, log: silentLog, metrics, read: this.lines.read, write }
    this.services = new FarServices(rooms)
    publisher.useFar(this.services)
    new Acquaintance(rooms)
    new Replication(rooms)
    const copies = new CopyWait({ store, clock })
    this.federation = new Federation({ store, lines: this.lines, copies })
    this.federating = new Federating({
      store,
      access: this.access,
      server: 'server-1',
      facts: (state) => factsOf(state, { servers: ['10.0.0.1:8300'], gossip: [] }),
      write: (principal, command, reply) => admission.write(principal, command, reply),
      ask: ({ address }, request, reply) => world.ask(this, address, request, reply),
      expectedPrimary: world.expectedPrimary,
    })
  }

  /** A token for a datacenter, or whatever else. */
  token(role: EnrollmentRole = 'datacenter', ttlMs = 3_600_000): string {
    const secret = Buffer.from(new TestRandom().bytes(32)).toString('base64url')
    const tokenHash = enrollmentHash(secret)
    const expiresAtMs = this.#world.clock.wallMs() + ttlMs
    const enrollment = { tokenHash, node: '', services: [], expiresAtMs, createdBy: '', role }
    this.server.applied({ type: 'enrollment.create', enrollment })
    const pin = this.server.store.view().roots('host')[0]?.id ?? ''
    return formatEnrollmentToken({
      servers: [`${this.name}:8300`],
      pin,
      secret,
      node: '',
      role,
      datacenter: this.name,
    })
  }

  join(tokenText: string, replacesEntries = false): Result<{ readonly datacenter: string }> {
    return this.#world.until<{ readonly datacenter: string }>((reply) =>
      this.federating.join({ tokenText, replacesEntries }, reply),
    )
  }

  /** A write that arrives at this server. */
  write(peer: Peer, request: WriteRequest): Result<Written> {
    return this.#world.until<Written>((reply) => this.route(peer, request, reply))
  }

  route(peer: Peer, request: WriteRequest, reply: Reply<Written>): void {
    const { admission } = this.server
    const identified: Parameters<typeof routeWrite>[0]['identified'] = (_call, who, token, then) =>
      then(this.access.identify(who, token))
    const { access, federation } = this
    routeWrite({ access, federation, forwarding: admission, identified }, peer, request, reply)
  }

  /** Somebody who shows a certificate of this datacenter. */
  peerOf(kind: 'server' | 'host', node: string): Peer {
    const key = publicKeyInfo(generateKey())
    const signed =
      kind === 'host'
        ? this.authority.signHost(node, key)
        : this.authority.signServer({ node, dnsNames: [], ipAddresses: [] }, key)
    if (!signed.ok) throw new Error(signed.failure.message)
    return peerWith(signed.value.chainPem)
  }

  intentions(): readonly string[] {
    const rows = this.server.store.view().intentions()
    return rows.map(({ sourceName, destinationName, action }) => `${sourceName}>${destinationName} ${action}`)
  }

  #dial(datacenter: () => string | undefined): FarLine {
    const there = (): TestDatacenter | undefined => this.#world.reached(this, datacenter() ?? '')
    return {
      read: (request, reply) => {
        let held: { cancel(): void } | undefined
        let isOver = false
        const finish: typeof reply = (result) => {
          if (isOver) return
          isOver = true
          this.#world.clock.after(linkMs, () =>
            reply(this.#world.isCut(this, datacenter() ?? '') ? away : result),
          )
        }
        this.#world.clock.after(linkMs, () => {
          const server = there()
          if (server === undefined) return finish(away)
          server.asked += 1
          const principal = server.access.identify(this.peer, request.token)
          if (!principal.ok) return finish(principal)
          held = server.server.reader.read(request, finish, principal.value)
          server.#world.onCut(() => finish(away))
        })
        return {
          cancel: () => {
            isOver = true
            held?.cancel()
          },
        }
      },
      write: (request, reply) => {
        this.#world.clock.after(linkMs, () => {
          const server = there()
          if (server === undefined) reply(away)
          else
            server.route(this.peer, request, (result) => this.#world.clock.after(linkMs, () => reply(result)))
        })
      },
      close: () => undefined,
      identityChanged: () => undefined,
      resetBackoff: () => undefined,
    } satisfies Pick<ServerClient, 'read' | 'write' | 'close'> & FarLine
  }

  /** Questions of other datacenters. */
  asked = 0
}

const away = { ok: false, failure: { code: 'no-server', message: 'the link is cut' } } as const

export class World {
  readonly clock = new VirtualClock()
  readonly datacenters = new Map<string, TestDatacenter>()
  expectedPrimary = ''
  #cut = new Set<string>()
  #breaks: (() => void)[] = []

  add(name: string): TestDatacenter {
    const made = new TestDatacenter(this, name)
    this.datacenters.set(name, made)
    return made
  }

  /** dc1 and dc2, the second a secondary of the first. */
  federated(): { readonly dc1: TestDatacenter; readonly dc2: TestDatacenter } {
    const dc1 = this.add('dc1')
    const dc2 = this.add('dc2')
    const joined = dc2.join(dc1.token())
    if (!joined.ok) throw new Error(joined.failure.message)
    this.clock.run(1_000)
    return { dc1, dc2 }
  }

  /** The datacenter's links to all others are cut, or whole again. */
  cut(name: string, isCut = true): void {
    if (isCut) this.#cut.add(name)
    else this.#cut.delete(name)
    const breaks = this.#breaks
    this.#breaks = []
    if (isCut) for (const each of breaks) each()
  }

  isCut(from: TestDatacenter, to: string): boolean {
    return this.#cut.has(from.name) || this.#cut.has(to)
  }

  onCut(listener: () => void): void {
    this.#breaks.push(listener)
  }

  reached(from: TestDatacenter, to: string): TestDatacenter | undefined {
    return this.isCut(from, to) ? undefined : this.datacenters.get(to)
  }

  ask(
    from: TestDatacenter,
    address: string,
    request: Parameters<TestDatacenter['federating']['federate']>[1],
    reply: Reply<FederationFacts>,
  ): void {
    const there = this.reached(from, address.split(':')[0] ?? '')
    if (there === undefined) reply(away)
    // Pinned connections show no certificate.
    else there.federating.federate({ certificates: [], address: '192.0.2.9' }, request, reply)
  }

  until<Value>(start: (reply: Reply<Value>) => void): Result<Value> {
    let answer: Result<Value> | undefined
    start((result) => {
      answer = result
    })
    this.clock.runUntil(() => answer !== undefined, 60_000)
    if (answer === undefined) throw new Error('never answered')
    return answer
  }
}

export const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code)
