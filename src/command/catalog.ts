/** `mesh catalog`: datacenters, nodes and services as the servers know them. Health is told by `mesh services`. */
import type { CatalogServiceJson } from '../wire/http-json/catalog.ts'
import type { NodeJson } from '../wire/http-json/node.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'
import { nearest } from './nearest.ts'

export interface NodesOptions {
  readonly detailed?: true
  readonly service?: string
  readonly nodeMeta?: readonly string[]
}

export interface ServicesOptions {
  readonly tags?: true
  readonly node?: string
  readonly nodeMeta?: readonly string[]
}

export async function listDatacenters({ client, terminal }: Context): Promise<void> {
  const names = (await client().ask('GET', '/v1/catalog/datacenters')).json<readonly string[]>()
  terminal.show(names, () => {
    for (const name of names) terminal.line(name)
  })
}

export async function listNodes(context: Context, options: NodesOptions): Promise<void> {
  const { client, terminal } = context
  const meta = metaQuery(options.nodeMeta)
  const all = (await client().ask('GET', `/v1/catalog/nodes?${meta}`)).json<readonly NodeJson[]>()
  const shown = options.service === undefined ? all : await runningOn(context, all, options.service)
  terminal.show(shown, () => {
    if (shown.length === 0) return terminal.note('No node is like that.')
    if (options.detailed === true)
      return terminal.table(
        ['node', 'id', 'address', 'datacenter', 'addresses', 'meta'],
        shown.map((node) => [
          node.Node,
          node.ID,
          node.Address,
          node.Datacenter,
          pairsText(node.TaggedAddresses),
          pairsText(node.Meta),
        ]),
      )
    terminal.table(
      ['node', 'id', 'address', 'datacenter'],
      shown.map((node) => [node.Node, node.ID.slice(0, 8), node.Address, node.Datacenter]),
    )
  })
}

async function runningOn(
  { client }: Context,
  nodes: readonly NodeJson[],
  service: string,
): Promise<readonly NodeJson[]> {
  const path = `/v1/catalog/service/${encodeURIComponent(service)}`
  const rows = (await client().ask('GET', path)).json<readonly CatalogServiceJson[]>()
  const names = new Set(rows.map((row) => row.Node))
  return nodes.filter((node) => names.has(node.Node))
}

export async function listCatalogServices(context: Context, options: ServicesOptions): Promise<void> {
  const { terminal } = context
  const services =
    options.node === undefined ? await allServices(context, options) : await onNode(context, options.node)
  const rows = Object.entries(services).sort(([a], [b]) => (a < b ? -1 : 1))
  terminal.show(services, () => {
    if (rows.length === 0) return terminal.note('No service is like that.')
    if (options.tags === true)
      return terminal.table(
        ['service', 'tags'],
        rows.map(([name, tags]) => [name, [...tags].sort().join(',')]),
      )
    for (const [name] of rows) terminal.line(name)
  })
}

type TagsByName = Readonly<Record<string, readonly string[]>>

async function allServices({ client }: Context, { nodeMeta }: ServicesOptions): Promise<TagsByName> {
  return (await client().ask('GET', `/v1/catalog/services?${metaQuery(nodeMeta)}`)).json<TagsByName>()
}

interface NodeServicesJson {
  readonly Services: Readonly<
    Record<string, { readonly Service: string; readonly Tags: readonly string[] | null }>
  >
}

async function onNode(context: Context, node: string): Promise<TagsByName> {
  const path = `/v1/catalog/node/${encodeURIComponent(node)}`
  const found = (await context.client().ask('GET', path)).json<NodeServicesJson | null>()
  if (found === null) throw await unknownNode(context, node)
  const tags: Record<string, readonly string[]> = {}
  for (const { Service, Tags } of Object.values(found.Services))
    tags[Service] = [...new Set([...(tags[Service] ?? []), ...(Tags ?? [])])].sort()
  return tags
}

async function unknownNode({ client }: Context, name: string): Promise<CommandFailure> {
  const nodes = (await client().ask('GET', '/v1/catalog/nodes')).json<readonly NodeJson[]>()
  const guess = nearest(
    name,
    nodes.map((node) => node.Node),
  )
  return new CommandFailure(`there is no node "${name}"`, {
    next: guess === undefined ? 'mesh catalog nodes' : `mesh catalog services -node ${guess}`,
  })
}

function metaQuery(pairs: readonly string[] = []): string {
  for (const pair of pairs)
    if (!/^[^=]+=/.test(pair)) throw new UsageFailure(`-node-meta ${pair}: write KEY=VALUE, such as rack=r1`)
  return pairs.map((pair) => `node-meta=${encodeURIComponent(pair.replace('=', ':'))}`).join('&')
}

const pairsText = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
