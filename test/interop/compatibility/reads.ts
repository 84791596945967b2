// Rows for the parameters that many reads share (reference/consul.md 1.2, 1.3): one set for each endpoint that has them.
import { expect } from 'vitest'
import { all, fails, header, indexed, type Section, status } from './checks.ts'
import type { Reply, Scene } from './scene.ts'

export interface Read {
  /** Consul's name of the endpoint, and a path to ask. */
  readonly endpoint: string
  readonly path: string
  /** Consul keeps these in the agent's cache. */
  readonly cached?: boolean
  readonly near?: boolean
  readonly nodeMeta?: boolean
  /** An expression, and how many items it leaves. */
  readonly filter?: { readonly expression: string; readonly items: number }
}

const joined = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`

export function blockingRows(section: Section, reads: readonly Read[]): void {
  for (const { endpoint, path, ...has } of reads) {
    section.row(endpoint, path, all(status(200), indexed), {
      part: '`index`, `wait`',
      before: (scene) => waits(scene, scene.filled(path)),
    })
    section.row(endpoint, joined(path, 'index=x'), fails(400, /Invalid index/), { part: 'a bad `index`' })
    section.row(endpoint, joined(path, 'wait=x'), fails(400, /Invalid wait time/), { part: 'a bad `wait`' })
    consistencyRows(section, { endpoint, path })
    if (has.cached === true)
      section.row(endpoint, joined(path, 'cached'), all(status(200), header('x-cache', /(HIT|MISS)$/)), {
        part: '`cached`',
      })
    if (has.near === true)
      section.row(endpoint, joined(path, 'near=_agent'), sameAs(path), { part: '`near`' })
    if (has.nodeMeta === true)
      section.row(endpoint, joined(path, 'node-meta=rack:nowhere'), hasItems(0), { part: '`node-meta`' })
    if (has.filter !== undefined) filterRows(section, { endpoint, path }, has.filter)
  }
}

type Place = Pick<Read, 'endpoint' | 'path'>

function consistencyRows(section: Section, { endpoint, path }: Place): void {
  const effective = (word: string) =>
    all(status(200), header('x-consul-effective-consistency', new RegExp(`${word}$`)))
  section.row(endpoint, joined(path, 'stale'), effective('stale'), { part: '`stale`' })
  section.row(endpoint, joined(path, 'stale&max_stale=10s'), status(200), { part: '`max_stale`' })
  section.row(endpoint, joined(path, 'consistent'), effective('consistent'), { part: '`consistent`' })
  section.row(
    endpoint,
    joined(path, 'stale&consistent'),
    fails(400, /Cannot specify \?stale with \?consistent/),
    {
      part: '`stale` with `consistent`',
    },
  )
  dcRows(section, { endpoint, path })
}

export function dcRows(section: Section, { endpoint, path }: Place): void {
  section.row(endpoint, joined(path, 'dc=dc1'), status(200), { part: '`dc` of its own' })
  section.row(endpoint, joined(path, 'dc=nowhere'), fails(500, /No path to datacenter/), {
    part: '`dc` that is not there',
  })
}

export function filterRows(
  section: Section,
  { endpoint, path }: Place,
  { expression, items }: NonNullable<Read['filter']>,
): void {
  section.row(endpoint, joined(path, `filter=${encodeURIComponent(expression)}`), hasItems(items), {
    part: '`filter`',
  })
  section.row(endpoint, joined(path, 'filter=%28%28'), badFilter, { part: 'a bad `filter`' })
}

/** Newer versions answer 400, older ones 500. */
const badFilter = (reply: Reply): void => {
  expect([400, 500]).toContain(reply.status)
  expect(reply.text).toMatch(/Failed to create boolean expression evaluator/)
}

/** Waits for the newest index and comes back after its time with the same. */
export async function waits(scene: Scene, path: string): Promise<void> {
  const first = await scene.get(path)
  const index = Number(first.headers.get('x-consul-index'))
  expect(index, 'an index').toBeGreaterThan(0)
  const beganMs = performance.now()
  const second = await scene.get(joined(path, `index=${index}&wait=20ms`))
  expect(second.status).toBe(200)
  const newer = Number(second.headers.get('x-consul-index'))
  expect(newer).toBeGreaterThanOrEqual(index)
  if (newer === index) expect(performance.now() - beganMs, 'it waited').toBeGreaterThan(19)
}

const itemsOf = (json: unknown): number => {
  const value = json as Record<string, unknown> & { readonly Services?: object }
  if (!Array.isArray(json) && value.Services !== undefined) return Object.keys(value.Services).length
  return Object.keys(value).length
}

const hasItems =
  (items: number) =>
  ({ status: code, json }: Reply): void => {
    expect(code).toBe(200)
    expect(itemsOf(json)).toBe(items)
  }

const sameAs =
  (path: string) =>
  async (reply: Reply, scene: Scene): Promise<void> => {
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual((await scene.get(path)).json)
  }
