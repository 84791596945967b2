/** The replicated state as trust needs it, in maps; and the log's one rule that matters here: a token is used once. */
import type { Principal } from '../../../src/model/access.ts'
import type { CaRoot, Enrollment, Host, Operator, TrustPlane } from '../../../src/model/authority.ts'
import type { Command } from '../../../src/model/command.ts'
import type { ClusterSettings } from '../../../src/model/config-entry.ts'
import { failed, ok, type Result } from '../../../src/model/errors.ts'
import type { Service } from '../../../src/model/service.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import type { Reply } from '../../../src/rpc/contract.ts'
import type { Written } from '../../../src/server/admission/admission.ts'
import type { StateView } from '../../../src/server/store/state.ts'

const row = { createIndex: 1, modifyIndex: 1 }

export class FakeState implements StateView {
  index = 1
  clusterSettings: ClusterSettings | undefined
  caRoots: CaRoot[] = []
  readonly enrollments = new Map<string, Enrollment>()
  readonly hosts = new Map<string, Host>()
  readonly operators = new Map<string, Operator>()
  /** By node. */
  readonly services = new Map<string, Service[]>()

  settings() {
    return this.clusterSettings === undefined ? undefined : { ...this.clusterSettings, ...row }
  }
  datacenters() {
    return []
  }
  roots(plane: TrustPlane) {
    return this.caRoots.filter((root) => root.plane === plane).map((root) => ({ ...root, ...row }))
  }
  enrollment(tokenHash: string) {
    const found = this.enrollments.get(tokenHash)
    return found === undefined ? undefined : { ...found, ...row }
  }
  host(node: string) {
    const found = this.hosts.get(node)
    return found === undefined ? undefined : { ...found, ...row }
  }
  operator(tokenHash: string) {
    const found = this.operators.get(tokenHash)
    return found === undefined ? undefined : { ...found, ...row }
  }
  servicesOfNode(node: string) {
    return (this.services.get(node) ?? []).map((service) => ({ ...service, ...row }))
  }
  node = unused
  nodes = unused
  service = unused
  check = unused
  checksOfNode = unused
  instances = unused
  meshInstances = unused
  serviceNames = unused
  configEntry = unused
  configEntries = unused
  intention = unused
  intentions = unused
  rulesFor = unused

  /** What apply does with the commands that trust proposes. */
  apply(command: Command, atMs: number): Result<Written> {
    this.index += 1
    if (command.type === 'genesis') {
      this.clusterSettings = command.settings
      this.caRoots = [...command.roots]
      this.operators.set(command.operator.tokenHash, { ...command.operator, createdAtMs: atMs })
    } else if (command.type === 'enrollment.create')
      this.enrollments.set(command.enrollment.tokenHash, {
        ...command.enrollment,
        createdAtMs: atMs,
        usedBy: '',
      })
    else if (command.type === 'enrollment.redeem') return this.#redeem(command, atMs)
    else if (command.type === 'enrollment.redeem-server') return this.#redeemServer(command)
    return ok({ ok: true, index: this.index, value: { kind: 'done' } })
  }

  #redeemServer(command: Extract<Command, { type: 'enrollment.redeem-server' }>): Result<Written> {
    const { tokenHash, node, publicKey } = command
    const enrollment = this.enrollments.get(tokenHash)
    if (enrollment === undefined) return failed('token-unknown', 'never issued')
    const repeated = enrollment.usedBy === node && enrollment.usedByKey === publicKey
    if (enrollment.usedBy !== '' && !repeated) return failed('token-used', 'used already')
    if (enrollment.node !== '' && enrollment.node !== node) return failed('bad-token', 'for another node')
    this.enrollments.set(tokenHash, { ...enrollment, usedBy: node, usedByKey: publicKey })
    return ok({ ok: true, index: this.index, value: { kind: 'done' } })
  }

  #redeem(command: Extract<Command, { type: 'enrollment.redeem' }>, atMs: number): Result<Written> {
    const { tokenHash, node, nodeId, publicKey } = command
    const enrollment = this.enrollments.get(tokenHash)
    if (enrollment === undefined) return failed('token-unknown', 'never issued')
    const before = this.hosts.get(node)
    const repeated = enrollment.usedBy === node && before?.publicKey === publicKey
    if (enrollment.usedBy !== '' && !repeated) return failed('token-used', 'used already')
    if (before?.evicted === true && before.publicKey === publicKey)
      return failed('host-evicted', 'evicted with this key')
    if (before !== undefined && !before.evicted && before.publicKey !== publicKey)
      return failed('node-name-taken', 'another key')
    const { services } = enrollment
    this.enrollments.set(tokenHash, { ...enrollment, usedBy: node })
    this.hosts.set(node, { node, nodeId, publicKey, services, enrolledAtMs: atMs, evicted: false })
    return ok({ ok: true, index: this.index, value: { kind: 'enrolled', services } })
  }
}

function unused(): never {
  throw new Error('trust does not read this')
}

/** Admission that proposes to the fake state and answers later, as a log would. */
export class FakeAdmission {
  readonly written: { readonly principal: Principal; readonly command: Command }[] = []
  readonly #state: FakeState
  readonly #clock: Clock
  readonly #later: (run: () => void) => void

  constructor(state: FakeState, clock: Clock, later: (run: () => void) => void) {
    this.#state = state
    this.#clock = clock
    this.#later = later
  }

  write(principal: Principal, command: Command, reply: Reply<Written>): void {
    this.written.push({ principal, command })
    this.#later(() => reply(this.#state.apply(command, this.#clock.wallMs())))
  }
}

export function serviceNamed(name: string, more: Partial<Service> = {}): Service {
  return {
    kind: '',
    id: name,
    name,
    tags: [],
    meta: {},
    address: '',
    port: 80,
    socketPath: '',
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    connectNative: false,
    ...more,
  }
}

export function sidecarOf(name: string): Service {
  return serviceNamed(`${name}-sidecar-proxy`, {
    kind: 'connect-proxy',
    proxy: {
      destinationServiceName: name,
      destinationServiceId: name,
      localServiceAddress: '127.0.0.1',
      localServicePort: 80,
      localServiceSocketPath: '',
      mode: '',
      config: {},
      upstreams: [],
      expose: { checks: false, paths: [] },
    },
  })
}
