/**
 * What a DNS name asks about: `web.service.mesh`, `_web._tcp.service.dc1.mesh`, `host-1.node.mesh` and so on. Pure; what the
 * answer is, is told elsewhere. Source: the forms of names that Consul documents, reference/consul.md, section 11.
 */
import { hexAddress, reverseAddress } from '../../wire/dns/address.ts'

export type Lookup =
  | {
      readonly kind: 'service' | 'mesh'
      /** As asked: services keep their letters, while DNS does not tell them apart. */
      readonly service: string
      /** In lower case; '' for every instance. */
      readonly tag: string
    }
  | { readonly kind: 'virtual'; readonly service: string }
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'address'; readonly address: Uint8Array }
  | { readonly kind: 'apex' }
  /** The name under which the SOA record names this server. */
  | { readonly kind: 'name-server' }
  /** In our domain, and nothing that could be there. */
  | { readonly kind: 'absent' }

export type NameReading =
  | {
      readonly kind: 'ours'
      readonly lookup: Lookup
      /** The domain that was asked, in lower case; answers stay in it. */
      readonly domain: string
      /** Another datacenter than ours, in lower case; '' for ours. */
      readonly elsewhere: string
    }
  | { readonly kind: 'reverse'; readonly address: Uint8Array }
  | { readonly kind: 'outside' }

export interface OwnNames {
  /** In lower case, without the last dot. */
  readonly domains: readonly string[]
  readonly datacenter: string
}

type Words = readonly string[]
type KeywordReader = (before: Words) => Lookup

const absent: Lookup = { kind: 'absent' }

/** `labels` as asked, from left to right. */
export function readName(labels: Words, { domains, datacenter }: OwnNames): NameReading {
  const lower = labels.map((label) => label.toLowerCase())
  const domain = domains.find((name) => endsWith(lower, name.split('.')))
  if (domain === undefined) {
    const address = reverseAddress(lower)
    return address === undefined ? { kind: 'outside' } : { kind: 'reverse', address }
  }
  const own = labels.slice(0, labels.length - domain.split('.').length)
  // A dot inside a label is legal, and would read as another name in everything that is made from text.
  if (own.some((label) => label.includes('.'))) return { kind: 'ours', lookup: absent, domain, elsewhere: '' }
  return { kind: 'ours', ...readOwn(own, datacenter), domain }
}

interface OwnReading {
  readonly lookup: Lookup
  readonly elsewhere: string
}

const nothing: OwnReading = { lookup: absent, elsewhere: '' }
const here = (lookup: Lookup): OwnReading => ({ lookup, elsewhere: '' })

function endsWith(labels: Words, end: Words): boolean {
  const from = labels.length - end.length
  return from >= 0 && end.every((label, at) => labels[from + at] === label)
}

/** The last keyword decides: what stands before it is the thing, what stands behind it is the datacenter. */
function readOwn(own: Words, datacenter: string): OwnReading {
  if (own.length === 0) return here({ kind: 'apex' })
  for (let at = own.length - 1; at >= 0; at--) {
    const label = own[at]?.toLowerCase() ?? ''
    const read = keywords.get(label)
    if (read === undefined && !label.startsWith('_')) continue
    const place = placeOf(own.slice(at + 1), datacenter)
    if (place === undefined) return nothing
    const lookup = read === undefined ? ofService(own.slice(0, at + 1)) : read(own.slice(0, at))
    return place === '' || isKnownElsewhere(lookup) ? { lookup, elsewhere: place } : nothing
  }
  return own.length === 1 && own[0]?.toLowerCase() === 'ns' ? here({ kind: 'name-server' }) : nothing
}

/** What servers of another datacenter are asked about; the rest is this agent's own business. */
const isKnownElsewhere = ({ kind }: Lookup): boolean =>
  kind === 'service' || kind === 'mesh' || kind === 'node'

/**
 * Nothing, `<datacenter>` or `<datacenter>.dc`: '' for ours, else the other one. Undefined for what is neither; peers and
 * namespaces are not known here.
 */
function placeOf(behind: Words, datacenter: string): string | undefined {
  const [name, mark = 'dc', more] = behind
  if (more !== undefined || mark.toLowerCase() !== 'dc') return undefined
  const wanted = name?.toLowerCase() ?? datacenter
  return wanted === datacenter ? '' : wanted
}

const keywords: ReadonlyMap<string, KeywordReader> = new Map<string, KeywordReader>([
  ['service', ofService],
  ['connect', (before) => named(before, (service) => ({ kind: 'mesh', service, tag: '' }))],
  ['virtual', (before) => named(before, (service) => ({ kind: 'virtual', service }))],
  // There are no ingress gateways and no prepared queries here: none of their names is there.
  ['ingress', () => absent],
  ['query', () => absent],
  ['node', (before) => (before.length === 0 ? absent : { kind: 'node', node: before.join('.') })],
  ['addr', ofAddress],
])

/** `web`, `tag.web`, `_web._tag`; `_tcp` stands for every tag. A tag may hold dots. */
function ofService(before: Words): Lookup {
  const service = before.at(-1)
  if (service === undefined) return absent
  const [first = '', second = ''] = before
  if (before.length === 2 && first.startsWith('_') && second.startsWith('_')) {
    const tag = second.slice(1).toLowerCase()
    return { kind: 'service', service: first.slice(1), tag: tag === 'tcp' ? '' : tag }
  }
  return { kind: 'service', service, tag: before.slice(0, -1).join('.').toLowerCase() }
}

function named(before: Words, make: (service: string) => Lookup): Lookup {
  const service = before.at(-1)
  return service === undefined ? absent : make(service)
}

function ofAddress(before: Words): Lookup {
  const [label = '', more] = before
  const address = more === undefined ? hexAddress(label.toLowerCase()) : undefined
  return address === undefined ? absent : { kind: 'address', address }
}
