/** Queries about nodes and service instances. Order is that of the tables: by name, then node name, then service id. */
import { compileFilter, type RowFilter } from '../../model/filter/compile.ts'
import type { Node } from '../../model/node.ts'
import type { NodeServices, Queries, ServiceFilter } from '../../model/query.ts'
import type { ServiceEntry } from '../../model/service.ts'
import { catalogServiceJson } from '../../wire/http-json/catalog.ts'
import { catalogServiceFields } from '../../wire/http-json/filter-fields.ts'
import { meshRow, namesRow, nodeRow, serviceRow, type Touched, tableRow } from '../store/indexes.ts'
import type { View } from '../store/view.ts'
import { collect, type Plan, type Reading } from './plan.ts'

type Answer<Name extends keyof Queries> = Queries[Name]['answer']
type Args<Name extends keyof Queries> = Queries[Name]['args']

export function planNodes(view: View, { nodeMeta }: Args<'catalog.nodes'>): Plan<Answer<'catalog.nodes'>> {
  const touched = [tableRow('nodes')]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => collect(view.nodes(), (node) => hasMeta(node, nodeMeta)),
  }
}

export function planServices(
  view: View,
  { nodeMeta, filter = '' }: Args<'catalog.services'>,
): Plan<Answer<'catalog.services'>> {
  const filtered = Object.keys(nodeMeta).length > 0 || filter !== ''
  const touched = filtered ? [tableRow('services'), tableRow('nodes')] : [namesRow]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => (filtered ? namesOnNodes(view, nodeMeta, rowFilter(filter)) : allNames(view)),
  }
}

function* allNames(view: View): Reading<Answer<'catalog.services'>> {
  const names: [string, readonly string[]][] = []
  for (const name of view.serviceNames()) {
    names.push([name, [...view.tagsOf(name)]])
    yield
  }
  return record(names)
}

function* namesOnNodes(
  view: View,
  nodeMeta: Readonly<Record<string, string>>,
  passes: RowFilter | undefined,
): Reading<Answer<'catalog.services'>> {
  const names = new Map<string, Set<string>>()
  for (const node of view.nodes()) {
    yield
    if (!hasMeta(node, nodeMeta)) continue
    for (const service of view.servicesOfNode(node.name)) {
      yield
      if (passes?.(catalogServiceJson({ node, service, checks: [] })) === false) continue
      const tags = names.get(service.name) ?? new Set()
      for (const tag of service.tags) tags.add(tag)
      names.set(service.name, tags)
    }
  }
  return record(
    [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, tags]) => [name, [...tags].sort()]),
  )
}

/** The shape of the arguments lets only what compiles pass, so what does not is nobody's question. */
function rowFilter(text: string): RowFilter | undefined {
  if (text === '') return undefined
  const compiled = compileFilter(text, catalogServiceFields)
  return compiled.ok ? compiled.value : () => false
}

/** A service may be called like a property that every object has. */
function record(entries: readonly (readonly [string, readonly string[]])[]): Answer<'catalog.services'> {
  return Object.fromEntries(entries)
}

export function planService(view: View, filter: ServiceFilter): Plan<readonly ServiceEntry[]> {
  return planInstances(view, filter, {
    row: serviceRow(filter.service),
    entries: view.instances(filter.service),
  })
}

export function planMesh(view: View, filter: ServiceFilter): Plan<readonly ServiceEntry[]> {
  return planInstances(view, filter, {
    row: meshRow(filter.service),
    entries: view.meshInstances(filter.service),
  })
}

function planInstances(
  view: View,
  filter: ServiceFilter,
  { row, entries }: { readonly row: Touched; readonly entries: Iterable<ServiceEntry> },
): Plan<readonly ServiceEntry[]> {
  const wanted = filter.tags.map((tag) => tag.toLowerCase())
  const passes = ({ node, service }: ServiceEntry): boolean => {
    if (!hasMeta(node, filter.nodeMeta)) return false
    if (wanted.length === 0) return true
    const tags = new Set(service.tags.map((tag) => tag.toLowerCase()))
    return wanted.every((tag) => tags.has(tag))
  }
  return {
    index: view.indexOf([row]),
    touched: [row],
    exists: view.has(row),
    read: () => collect(entries, passes),
  }
}

export function planNode(view: View, { node }: Args<'catalog.node'>): Plan<NodeServices | null> {
  const touched = [nodeRow(node)]
  const row = view.node(node)
  return {
    index: view.indexOf(touched),
    touched,
    exists: row !== undefined,
    read: function* () {
      if (row === undefined) return null
      const services = yield* collect(view.servicesOfNode(node), () => true)
      const checks = yield* collect(view.checksOfNode(node), () => true)
      return { node: row, services, checks }
    },
  }
}

export function planAddress(
  view: View,
  { address }: Args<'catalog.address'>,
): Plan<Answer<'catalog.address'>> {
  const touched = [tableRow('nodes'), tableRow('services')]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: function* () {
      const holders = yield* collect(view.holdersOf(address), () => true)
      const services = holders.flatMap(({ service }) => (service === '' ? [] : [service]))
      const nodes = holders.flatMap(({ node, service }) => (service === '' ? [node] : []))
      return { nodes, services: [...new Set(services)] }
    },
  }
}

export function hasMeta(node: Node, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(node.meta, name) && node.meta[name] === value,
  )
}
