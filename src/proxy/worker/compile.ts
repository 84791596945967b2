/**
 * From one state of the proxy to the next: takes a change, makes what changed usable (contexts, tables) and
 * returns a whole new state, or the reason why not. The old state is never touched, so a refused change leaves no trace.
 */
import { isDeepStrictEqual } from 'node:util'
import { failed, ok, type Result, unwrap } from '../../model/errors.ts'
import {
  type EndpointsResource,
  type ExposedResource,
  type InboundResource,
  type OutboundResource,
  type ProxyResource,
  type RootsResource,
  resourceKey,
} from '../../model/proxy-config.ts'
import type { ResourceName } from '../../wire/link/message.ts'
import { createTrust, type Trust } from '../../wire/x509/chain.ts'
import { createServiceIdentity, type ServiceIdentity } from '../identity/service-identity.ts'
import type { ProxyTables } from '../listener/context.ts'
import { compilePolicy, type PolicyTable } from '../policy/table.ts'

export interface ProxyState {
  readonly resources: ReadonlyMap<string, ProxyResource>
  readonly tables: ProxyTables
}

export interface StateChange {
  readonly upserts: readonly ProxyResource[]
  readonly removes: readonly ResourceName[]
}

export interface Compiled {
  readonly state: ProxyState
  /** Destination services whose policy is another one now. */
  readonly policiesChanged: ReadonlySet<string>
  readonly rootsChanged: boolean
}

export const emptyState: ProxyState = {
  resources: new Map(),
  tables: {
    identities: new Map(),
    endpoints: new Map(),
    policies: new Map(),
    inbounds: new Map(),
    outbounds: new Map(),
    exposed: new Map(),
    trust: unwrap(createTrust([])),
  },
}

/** The change that leads from `state` to exactly `resources`; what is equal is left alone. */
export function changeTo(state: ProxyState, resources: readonly ProxyResource[]): StateChange {
  const wanted = new Set(resources.map(resourceKey))
  return {
    upserts: resources.filter(
      (resource) => !isDeepStrictEqual(state.resources.get(resourceKey(resource)), resource),
    ),
    removes: [...state.resources.values()].filter((resource) => !wanted.has(resourceKey(resource))),
  }
}

export function compile(previous: ProxyState, change: StateChange): Result<Compiled> {
  const draft = new Draft(previous)
  for (const name of change.removes) draft.remove(name)
  for (const resource of change.upserts) {
    const problem = draft.upsert(resource)
    if (problem !== '') return failed('bad-request', problem)
  }
  return draft.finish()
}

/** A map of the next state: shared with the previous one until it is changed. */
class NextMap<Value> {
  map: ReadonlyMap<string, Value>
  private copy: Map<string, Value> | undefined

  constructor(previous: ReadonlyMap<string, Value>) {
    this.map = previous
  }

  set(name: string, value: Value): void {
    this.own().set(name, value)
  }

  delete(name: string): void {
    this.own().delete(name)
  }

  private own(): Map<string, Value> {
    this.copy ??= new Map(this.map)
    this.map = this.copy
    return this.copy
  }
}

class Draft {
  private readonly previousTrust: Trust
  private readonly policiesChanged = new Set<string>()
  private rootsChanged: boolean = false
  private readonly resources: NextMap<ProxyResource>
  private readonly identities: NextMap<ServiceIdentity>
  private readonly endpoints: NextMap<EndpointsResource>
  private readonly policies: NextMap<PolicyTable>
  private readonly inbounds: NextMap<InboundResource>
  private readonly outbounds: NextMap<OutboundResource>
  private readonly exposed: NextMap<ExposedResource>

  constructor({ resources, tables }: ProxyState) {
    this.previousTrust = tables.trust
    this.resources = new NextMap(resources)
    this.identities = new NextMap(tables.identities)
    this.endpoints = new NextMap(tables.endpoints)
    this.policies = new NextMap(tables.policies)
    this.inbounds = new NextMap(tables.inbounds)
    this.outbounds = new NextMap(tables.outbounds)
    this.exposed = new NextMap(tables.exposed)
  }

  remove({ kind, name }: ResourceName): void {
    this.resources.delete(resourceKey({ kind, name }))
    switch (kind) {
      case 'roots':
        this.rootsChanged = true
        return
      case 'leaf':
        this.identities.delete(name)
        return
      case 'policy':
        this.policiesChanged.add(name)
        this.policies.delete(name)
        return
      case 'endpoints':
        this.endpoints.delete(name)
        return
      case 'inbound':
        this.inbounds.delete(name)
        return
      case 'outbound':
        this.outbounds.delete(name)
        return
      case 'exposed':
        this.exposed.delete(name)
        return
    }
  }

  /** What is wrong with the resource, or ''. */
  upsert(resource: ProxyResource): string {
    this.resources.set(resourceKey(resource), resource)
    switch (resource.kind) {
      case 'roots':
        this.rootsChanged = true
        return ''
      case 'leaf': {
        const identity = createServiceIdentity(resource)
        if (!identity.ok) return identity.failure.message
        this.identities.set(resource.name, identity.value)
        return ''
      }
      case 'policy':
        this.policiesChanged.add(resource.name)
        this.policies.set(resource.name, compilePolicy(resource))
        return ''
      case 'endpoints':
        this.endpoints.set(resource.name, resource)
        return ''
      case 'inbound':
        this.inbounds.set(resource.name, resource)
        return ''
      case 'outbound':
        this.outbounds.set(resource.name, resource)
        return ''
      case 'exposed':
        this.exposed.set(resource.name, resource)
        return ''
    }
  }

  finish(): Result<Compiled> {
    const trust = this.rootsChanged ? trustOf(this.resources.map.values()) : ok(this.previousTrust)
    if (!trust.ok) return trust
    return ok({
      policiesChanged: this.policiesChanged,
      rootsChanged: this.rootsChanged,
      state: {
        resources: this.resources.map,
        tables: {
          identities: this.identities.map,
          endpoints: this.endpoints.map,
          policies: this.policies.map,
          inbounds: this.inbounds.map,
          outbounds: this.outbounds.map,
          exposed: this.exposed.map,
          trust: trust.value,
        },
      },
    })
  }
}

function trustOf(resources: Iterable<ProxyResource>): Result<Trust> {
  const roots = [...resources].filter((resource): resource is RootsResource => resource.kind === 'roots')
  return createTrust(
    roots.flatMap(({ name, pems }) => pems.map((pem) => ({ trustDomain: name, pem }))),
    roots.flatMap(({ evicted }) => evicted ?? []),
  )
}
