/**
 * Trust for tools on this host: roots of the service plane, and leaves whose keys were made here. The agent answers from
 * what it keeps, so these go on without servers; `/v1/connect/ca/roots` asks the cluster.
 */
import type { Result } from '../../model/errors.ts'
import type { CaRoots, ReadMeta } from '../../model/query.ts'
import { caRootListJson, leafJson } from '../../wire/http-json/authority.ts'
import type { Leaf, View } from '../contract.ts'
import { leafSubject, viewSubject } from './changes.ts'
import { clusterRead } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { blocking, refuseElsewhere } from './parameters.ts'
import { ApiRefusal, accept, ClientGone } from './refusal.ts'

export const authorityEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/connect/ca/roots', actions: { GET: { need: 'read', run: agentRoots } } },
  { path: '/v1/agent/connect/ca/leaf/*', actions: { GET: { need: 'local', run: leaf } } },
  { path: '/v1/connect/ca/roots', actions: { GET: { need: 'read', run: clusterRoots } } },
]

const rootsSubject = { topic: 'roots', key: '' } as const

async function agentRoots(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const view = (): View | undefined => api.views.view(rootsSubject)
  if (view() === undefined) return rootsAnswer(call, await clusterRead(api, call, 'ca.roots', {}), 'MISS')
  const { minIndex, waitMs } = blocking(call.query)
  // An index from before a restore is larger than any now: it must not wait for a future that may never come.
  if (minIndex > 0 && view()?.index === minIndex)
    await call.hold(() =>
      api.changes.wait(viewSubject('roots', ''), () => view()?.index !== minIndex, {
        waitMs: jittered(api, waitMs),
        signal: call.signal,
      }),
    )
  const current = view()
  if (current === undefined) throw new ClientGone()
  return rootsAnswer(call, { answer: rootsOfView(current), meta: metaOfView(api, current) }, 'HIT')
}

/** Rows of a view carry no log indexes of their own; the view's is the latest that any of them can have. */
function rootsOfView(view: View): CaRoots {
  const body = view.bodies.find((candidate) => candidate.topic === 'roots')
  const index = { createIndex: view.index, modifyIndex: view.index }
  const roots = (body?.roots ?? []).map((root) => ({ ...root, ...index }))
  return {
    activeRootId: roots.find((root) => root.active)?.id ?? '',
    trustDomain: body?.trustDomain ?? '',
    roots,
  }
}

function metaOfView(api: Api, view: View): ReadMeta {
  const { index, live } = view
  if (live) return { index, knownLeader: true, lastContactMs: 0, effective: 'leader', kept: true }
  const lastContactMs = api.recall({ name: 'ca.roots', args: {} })?.meta.lastContactMs ?? 0
  return { index, knownLeader: false, lastContactMs, effective: 'stale', kept: true }
}

async function clusterRoots(api: Api, call: Call): Promise<Answer> {
  return rootsAnswer(call, await clusterRead(api, call, 'ca.roots', {}))
}

function rootsAnswer(
  call: Call,
  { answer, meta }: { readonly answer: CaRoots; readonly meta: ReadMeta },
  cache?: 'HIT' | 'MISS',
): Answer {
  const headers = cache === undefined ? {} : { 'X-Cache': cache }
  const pem = call.query.get('pem')
  if (pem !== null && !/^(0|f|false)$/i.test(pem)) {
    const body = answer.roots.map((root) => `${root.certificatePem.trim()}\n`).join('')
    return { meta, headers, text: { body, type: 'application/pem-certificate-chain' } }
  }
  return { meta, headers, json: caRootListJson(answer.trustDomain, answer.roots) }
}

/** Blocks until renewal or rotation gives another leaf than the one that `index` names. */
async function leaf(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const service = call.name
  if (service === '')
    throw new ApiRefusal('bad-request', 'Missing service name: it stands at the end of the path')
  const { minIndex, waitMs } = blocking(call.query)
  const cached = api.leaves.leaf(service)
  if (cached === undefined) return leafAnswer(await requestLeaf(api, service), 'MISS')
  if (minIndex === cached.generation)
    await call.hold(() =>
      api.changes.wait(leafSubject(service), () => api.leaves.leaf(service)?.generation !== minIndex, {
        waitMs: jittered(api, waitMs),
        signal: call.signal,
      }),
    )
  // Asking again instead of reading: the service may have lost its right to a leaf during the wait.
  return leafAnswer(await requestLeaf(api, service), 'HIT')
}

async function requestLeaf(api: Api, service: string): Promise<Leaf> {
  return accept(await new Promise<Result<Leaf>>((resolve) => api.leaves.request(service, resolve)))
}

function leafAnswer(found: Leaf, cache: 'HIT' | 'MISS'): Answer {
  return {
    json: leafJson(found),
    headers: { 'X-Consul-Index': String(Math.max(1, found.generation)), 'X-Cache': cache },
  }
}

/** Consul's spread, so that watches that began together do not end together. */
const jittered = (api: Api, waitMs: number): number => waitMs + (api.random.fraction() * waitMs) / 16
