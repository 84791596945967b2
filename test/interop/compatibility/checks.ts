// What answers are checked for, in words that fit on one line of a row.
import { expect } from 'vitest'
import type { z } from 'zod'
import { answers } from '../../unit/api/schemas.ts'
import type { Check, Ours, Row } from './row.ts'
import type { AskOptions, Scene } from './scene.ts'

export const status =
  (...codes: readonly number[]): Check =>
  (reply) => {
    expect(codes).toContain(reply.status)
  }

/** All of them. */
export const all =
  (...checks: readonly Check[]): Check =>
  async (reply, scene) => {
    for (const check of checks) await check(reply, scene)
  }

export const says =
  (pattern: RegExp | string): Check =>
  ({ text }) => {
    expect(text).toMatch(pattern)
  }

export const fails = (code: number, pattern: RegExp | string): Check => all(status(code), says(pattern))

export const header =
  (name: string, pattern: RegExp): Check =>
  ({ headers }) => {
    expect(`${name}: ${headers.get(name)}`).toMatch(
      new RegExp(`^${name}: .*${pattern.source}`, pattern.flags),
    )
  }

/** 200 and the fields, types and nulls of the table of this path (test/unit/api/schemas.ts). */
export const shaped = (path: keyof typeof answers): Check => of(answers[path])

export const of =
  (schema: z.ZodType): Check =>
  ({ status: code, json }) => {
    expect(code).toBe(200)
    schema.parse(json)
  }

/** 200 and exactly this JSON. */
export const is =
  (json: unknown): Check =>
  (reply) => {
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual(json)
  }

/** 200, a list (or a map) of as many items as that. */
export const counts =
  (items: number): Check =>
  ({ status: code, json }) => {
    expect(code).toBe(200)
    expect(Object.keys(json as object)).toHaveLength(items)
  }

export const empty: Check = ({ status: code, text }) => {
  expect([code, text]).toEqual([200, ''])
}

/** A read: Consul's headers, with an index that is a number from 1. */
export const indexed: Check = all(
  header('x-consul-index', /[1-9]\d*$/),
  header('x-consul-lastcontact', /\d+$/),
  header('x-consul-knownleader', /true$/),
  header('x-consul-effective-consistency', /(leader|stale|consistent)$/),
)

/** Afterwards another request is answered so. */
export const afterwards =
  (path: string, check: Check): Check =>
  async (_, scene) =>
    check(await scene.get(scene.filled(path)), scene)

/** 200 and exactly these fields, whatever is in them. */
export const fields = (...names: readonly string[]): Check =>
  all(status(200), ({ json }) => {
    expect(Object.keys(json as object).sort()).toEqual([...names].sort())
  })

/** The answer holds this, beside other things. */
export const has =
  (part: object): Check =>
  ({ json }) => {
    expect(json).toMatchObject(part)
  }

/** 200, and there is nothing of this name. */
export const lacks =
  (name: string): Check =>
  ({ status: code, json }) => {
    expect(code).toBe(200)
    expect(Object.keys(json as object)).not.toContain(name)
  }

export interface Asked {
  readonly part?: string
  /** Another than that of the endpoint. */
  readonly method?: string
  readonly body?: unknown
  readonly options?: AskOptions
  readonly before?: (scene: Scene) => Promise<unknown>
  readonly differs?: Ours
  readonly absent?: Ours
}

/** Rows of one section of the page. */
export class Section {
  readonly rows: Row[] = []
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /**
   * A row. `endpoint` is Consul's `METHOD /path`, `path` what is asked; `@session` in it stands for what the scene has made
   * under that name.
   */
  row(endpoint: string, path: string, consul: Check, asked: Asked = {}): this {
    const [named = 'GET'] = endpoint.split(' ')
    const method = asked.method ?? named
    this.rows.push({
      section: this.name,
      endpoint,
      part: asked.part ?? '',
      consul,
      ask: async (scene) => {
        await asked.before?.(scene)
        return scene.ask(method, scene.filled(path), {
          ...asked.options,
          ...(asked.body === undefined ? {} : { body: asked.body }),
        })
      },
      ...(asked.differs === undefined ? {} : { differs: asked.differs }),
      ...(asked.absent === undefined ? {} : { absent: asked.absent }),
    })
    return this
  }

  /** Endpoints that exist if they answer with success. */
  endpoints(list: readonly string[], body?: unknown): this {
    for (const endpoint of list) {
      const path = endpoint.slice(endpoint.indexOf(' ') + 1).replace(/:(\w+)/g, 'x')
      this.row(endpoint, path, status(200), body === undefined ? {} : { body })
    }
    return this
  }
}
