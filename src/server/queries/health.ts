/** Queries about checks in one state, services by health, and hosts by membership. */
import { aggregateStatus, memberCheckId } from '../../model/check.ts'
import type { Member, Queries, ServiceSummary } from '../../model/query.ts'
import type { ServiceKind } from '../../model/service.ts'
import { statusRow, tableRow } from '../store/indexes.ts'
import type { View } from '../store/view.ts'
import { hasMeta } from './catalog.ts'
import { collect, type Plan, type Reading } from './plan.ts'

export function planState(
  view: View,
  { state, nodeMeta }: Queries['health.state']['args'],
): Plan<Queries['health.state']['answer']> {
  const filtered = Object.keys(nodeMeta).length > 0
  const checks = state === 'any' ? tableRow('checks') : statusRow(state)
  const touched = filtered ? [checks, tableRow('nodes')] : [checks]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () =>
      collect(view.checks(state), (check) => {
        const node = filtered ? view.node(check.node) : undefined
        return !filtered || (node !== undefined && hasMeta(node, nodeMeta))
      }),
  }
}

export function planSummaries(view: View): Plan<readonly ServiceSummary[]> {
  const touched = [tableRow('nodes'), tableRow('services'), tableRow('checks')]
  return { index: view.indexOf(touched), touched, exists: true, read: () => readSummaries(view) }
}

function* readSummaries(view: View): Reading<readonly ServiceSummary[]> {
  const summaries: ServiceSummary[] = []
  for (const name of view.serviceNames()) summaries.push(yield* readSummary(view, name))
  return summaries
}

function* readSummary(view: View, name: string): Reading<ServiceSummary> {
  const counts = { passing: 0, warning: 0, critical: 0 }
  let kind: ServiceKind = ''
  let instances = 0
  for (const { service, checks } of view.instances(name)) {
    const status = aggregateStatus(checks)
    counts[status === 'maintenance' ? 'critical' : status]++
    if (service.kind !== '') kind = service.kind
    instances++
    yield
  }
  let meshInstances = 0
  for (const _ of view.meshPlaces(name)) {
    meshInstances++
    yield
  }
  return { name, kind, tags: [...view.tagsOf(name)], instances, ...counts, meshInstances }
}

/** Hosts with a membership check. `servers` are the names of nodes that run a server. */
export function planMembers(view: View, servers: ReadonlySet<string>): Plan<readonly Member[]> {
  const touched = [tableRow('nodes'), tableRow('checks')]
  return { index: view.indexOf(touched), touched, exists: true, read: () => readMembers(view, servers) }
}

function* readMembers(view: View, servers: ReadonlySet<string>): Reading<readonly Member[]> {
  const members: Member[] = []
  for (const row of view.nodes()) {
    yield
    const check = view.check(row.name, memberCheckId)
    if (check === undefined) continue
    const { createIndex: _created, modifyIndex: _modified, ...node } = row
    const status = check.status === 'passing' ? 'alive' : 'failed'
    members.push({ node, status, server: servers.has(row.name) })
  }
  return members
}
