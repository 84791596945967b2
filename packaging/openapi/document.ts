/**
 * The OpenAPI 3.1 document of the HTTP API: the routes of src/agent/api, each with what operations.ts says of it. Fails where
 * one knows something that the other does not.
 */
import { z } from 'zod'
import { endpoints } from '../../src/agent/api/endpoints.ts'
import { errorCatalogue } from '../../src/model/errors.ts'
import * as tables from '../../test/unit/api/schemas.ts'
import * as bodies from './bodies.ts'
import { type Answer, type Operation, operations } from './operations.ts'
import { parameters } from './parameters.ts'

type Json = Readonly<Record<string, unknown>>

/** Read of every request, whatever its endpoint. */
export const everywhere: readonly string[] = ['pretty', 'token']
/** Clients send them; they change nothing in this version. */
export const unread: readonly string[] = ['near', 'merge-central-config']

const rights = {
  read: 'read: from this host, or with a token',
  local: 'local: the host’s local token or unix socket, or an operator token',
  operate: 'operate: an operator token',
} as const

export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {}
  const shapes = new Shapes()
  for (const [key, { route, method, need }] of routes()) {
    const operation = operations[key]
    if (operation === undefined) throw new Error(`packaging/openapi/operations.ts has no ${key}`)
    const path = pathOf(route, operation)
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: operationJson(operation, { route, method, need }, shapes),
    }
  }
  for (const key of Object.keys(operations))
    if (!routes().has(key)) throw new Error(`packaging/openapi/operations.ts has ${key}, the API does not`)
  return {
    openapi: '3.1.0',
    info: {
      title: 'mesh-agent HTTP API',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Consul’s HTTP API, as far as docs/compatibility.md says, and paths of our own below /v1/mesh. Errors are text; X-Mesh-Reason has their code, docs/errors.md what to do.',
    },
    servers: [{ url: 'http://127.0.0.1:8500' }],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: shapes.json(paths),
      parameters: parameterComponents(),
      responses: responses(),
      headers: headers(),
      securitySchemes,
    },
  }
}

interface Route {
  readonly route: string
  readonly method: string
  readonly need: keyof typeof rights
}

/** By `METHOD route`. */
export function routes(): ReadonlyMap<string, Route> {
  const all = new Map<string, Route>()
  for (const { path, actions } of endpoints)
    for (const [method, action] of Object.entries(actions))
      all.set(`${method} ${path}`, { route: path, method, need: action.need })
  return all
}

/** `get-catalog-service` for `GET /v1/catalog/service/*`. */
const operationName = (method: string, route: string): string =>
  [method.toLowerCase(), ...route.split('/').slice(2)]
    .map((part) => part.replace(/^[*]$/, 'one').replace(/[^\w-]/g, ''))
    .filter((part) => part !== '')
    .join('-')

const pathOf = (route: string, { name }: Operation): string =>
  route.replace('*', `{${name ?? 'name'}}`).replace(':kind', '{kind}')

function operationJson(operation: Operation, { route, method, need }: Route, shapes: Shapes): Json {
  const inPath = [...pathOf(route, operation).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const names = [...new Set([...operation.parameters, ...everywhere])]
  return {
    operationId: operationName(method, route),
    summary: operation.summary,
    description: `Needs the right ${rights[need]}.`,
    parameters: [...inPath, ...names.map((name) => ({ $ref: `#/components/parameters/${name}` }))],
    ...(operation.body === undefined
      ? {}
      : { requestBody: bodyJson(operation.body, shapes, operationName(method, route)) }),
    ...(need === 'read' ? {} : { security: [{ token: [] }, { bearer: [] }] }),
    responses: {
      ...(operation.refuses === undefined
        ? { 200: answerJson(operation, { route, method }, shapes) }
        : { [errorCatalogue[operation.refuses].status]: { $ref: '#/components/responses/refused' } }),
      default: { $ref: '#/components/responses/refused' },
    },
  }
}

/** Shapes by name, so that one that is used in many places is described once. */
class Shapes {
  readonly #registry = z.registry<{ readonly id: string }>()

  constructor() {
    for (const [file, prefix] of [
      [tables, ''],
      [bodies, 'body-'],
    ] as const)
      for (const [name, shape] of Object.entries(file))
        if (shape instanceof z.ZodType) this.#registry.add(shape, { id: `${prefix}${name}` })
  }

  /** A reference to the shape, under its own name or else this one. */
  ref(shape: z.ZodType, name: string): Json {
    const known = this.#registry.get(shape)
    if (known === undefined) this.#registry.add(shape, { id: name })
    return { $ref: uriOf(known?.id ?? name) }
  }

  /** All of them that something refers to. */
  json(referring: unknown): Json {
    const { schemas } = z.toJSONSchema(this.#registry, { uri: uriOf, unrepresentable: 'any', io: 'input' })
    const used = new Map<string, Json>()
    const collect = (value: unknown): void => {
      for (const [, id = ''] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        const shape = schemas[id]
        if (shape === undefined || used.has(id)) continue
        const { $schema: _schema, $id: _id, ...rest } = shape
        used.set(id, rest)
        collect(rest)
      }
    }
    collect(referring)
    return Object.fromEntries([...used].sort(([one], [other]) => (one < other ? -1 : 1)))
  }
}

const uriOf = (id: string): string => `#/components/schemas/${id}`

function bodyJson(body: NonNullable<Operation['body']>, shapes: Shapes, name: string): Json {
  if (body === 'bytes')
    return { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } }
  return { content: { 'application/json': { schema: shapes.ref(body, `body-${name}`) } } }
}

function answerJson(
  operation: Operation,
  { route, method }: Pick<Route, 'route' | 'method'>,
  shapes: Shapes,
): Json {
  const answer: Answer | undefined = operation.answer ?? tableOf(method, route)
  if (answer === undefined)
    throw new Error(`${method} ${route} has no answer in operations.ts or in schemas.ts`)
  const waits = operation.parameters.includes('index')
  const described = waits ? { headers: readHeaders } : {}
  if (answer === 'empty') return { description: 'Done.' }
  if ('type' in answer)
    return {
      description: answer.description,
      ...described,
      content: { [answer.type]: { schema: { type: 'string' } } },
    }
  return {
    description: 'OK',
    ...described,
    content: { 'application/json': { schema: shapes.ref(answer.json, operationName(method, route)) } },
  }
}

function tableOf(method: string, route: string): Answer | undefined {
  if (method !== 'GET' || !Object.hasOwn(tables.answers, route)) return undefined
  return { json: tables.answers[route as keyof typeof tables.answers] }
}

function parameterComponents(): Json {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { description, schema, flag }]) => [
      name,
      { name, in: 'query', description, schema, ...(flag === true ? { allowEmptyValue: true } : {}) },
    ]),
  )
}

const readHeaders: Json = {
  'X-Consul-Index': { $ref: '#/components/headers/index' },
  'X-Consul-KnownLeader': { $ref: '#/components/headers/knownLeader' },
  'X-Consul-LastContact': { $ref: '#/components/headers/lastContact' },
}

const headers = (): Json => ({
  index: {
    description: 'To wait for the next change with ?index=.',
    schema: { type: 'integer', minimum: 1 },
  },
  knownLeader: { description: 'Whether the answering server knows a leader.', schema: { type: 'boolean' } },
  lastContact: { description: 'Age of the answer in milliseconds.', schema: { type: 'integer', minimum: 0 } },
  reason: { description: 'Code of the refusal; docs/errors.md has all of them.', schema: { type: 'string' } },
})

const responses = (): Json => ({
  refused: {
    description: 'Refused or failed; the text says why and what to do.',
    headers: { 'X-Mesh-Reason': { $ref: '#/components/headers/reason' } },
    content: { 'text/plain': { schema: { type: 'string' } } },
  },
})

const securitySchemes: Json = {
  token: { type: 'apiKey', in: 'header', name: 'X-Consul-Token' },
  bearer: { type: 'http', scheme: 'bearer' },
}
