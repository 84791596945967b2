// Hostile HTTP: spoiled bodies, query strings and paths over every endpoint that writes, through the real API, registry, admission
// and state. Whatever comes, each request is answered at once, nothing is an `internal` failure, every refusal has a code.
// MESH_FUZZ_HTTP=100000 for the whole count, MESH_FUZZ_SEED to repeat a run.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiDependencies } from '../../src/agent/api/contract.ts'
import { endpoints } from '../../src/agent/api/endpoints.ts'
import { LocalState } from '../../src/agent/registry/local-state.ts'
import { errorCatalogue } from '../../src/model/errors.ts'
import { readRequestCodec, writeRequestCodec } from '../../src/rpc/call-codec.ts'
import { MemoryStateFiles, RecordingLog } from '../unit/agent/fakes.ts'
import { operatorToken } from '../unit/api/fake-cluster.ts'
import { localToken, startTestApi, type TestApi } from '../unit/api/fixture.ts'
import { genesis } from '../unit/store/rows.ts'
import { asOperator, TestServer } from '../unit/store/server.ts'
import { generator, type Spoiled, spoil } from './http-mutations.ts'
import { type Seed, seeds } from './http-seeds.ts'

const inputs = Number(process.env['MESH_FUZZ_HTTP'] ?? 4_000)
const seedNumber = Number(process.env['MESH_FUZZ_SEED'] ?? 20_261_121)
/** Requests under way at once. */
const lanes = 8
/** A bound against hangs, thousands of times what a request takes. */
const hangMs = 20_000

/** A server's admission, state machine and queries, with the messages' codecs before them. */
function realCluster(): Pick<ApiDependencies, 'read' | 'write'> {
  const server = new TestServer()
  server.applied(genesis())
  const run = (): void => void setImmediate(() => server.clock.run(5))
  return {
    write: (request, reply) => {
      const sent = writeRequestCodec.decode(writeRequestCodec.encode(request))
      if (sent.ok) server.admission.write(asOperator, sent.value.command, reply)
      else reply(sent)
      run()
    },
    read: (request, reply) => {
      const sent = readRequestCodec.decode(readRequestCodec.encode(request as never))
      run()
      if (sent.ok) return server.reader.read(request, reply, asOperator)
      reply(sent)
      return { cancel: () => undefined }
    },
  }
}

let api: TestApi

beforeAll(async () => {
  const registry = new LocalState({
    node: 'host-1',
    files: new MemoryStateFiles(),
    clock: new TestServer().clock,
    log: new RecordingLog(),
    sidecarPorts: { min: 21_000, max: 21_255 },
    bindAddress: '127.0.0.2',
    scripts: { everywhere: false, files: false },
  })
  registry.load()
  api = await startTestApi({}, { registry, ...realCluster() })
})
afterAll(() => api.close())

type Outcome = { readonly status: number; readonly code: string; readonly text: string } | 'broken' | 'hung'

async function send({ method, path, body }: Spoiled, token: string): Promise<Outcome> {
  try {
    const reply = await api.ask(method, path, {
      headers: { 'X-Consul-Token': token },
      signal: AbortSignal.timeout(hangMs),
      ...(body === '' ? {} : { body }),
    })
    return { status: reply.status, code: String(reply.headers['x-mesh-reason'] ?? ''), text: reply.text }
  } catch (error) {
    return error instanceof Error && error.name === 'AbortError' ? 'hung' : 'broken'
  }
}

const tokenFor = (seed: Seed): string => {
  const need = endpoints.find(({ path }) => path === seed.route)?.actions[seed.method as 'PUT']?.need
  return need === 'local' ? localToken : operatorToken
}

function complaintAbout(outcome: Outcome): string | undefined {
  if (typeof outcome === 'string') return outcome
  const { status, code, text } = outcome
  if (code === 'internal' || (status === 500 && text.includes('(internal)'))) return `${status} internal`
  if (code !== '' && !Object.hasOwn(errorCatalogue, code)) return `the code ${code} is not in the catalogue`
  // A transaction that was not made says why operation by operation, as Consul does.
  if (status === 409 && /^\{\s*"Results":/.test(text)) return undefined
  if (status >= 400 && code === '' && status !== 404) return `${status} without a code`
  return undefined
}

test('every endpoint that writes has a good request to spoil', () => {
  const writing = endpoints
    .filter(({ takesStream }) => takesStream !== true)
    .flatMap(({ path, actions }) =>
      Object.keys(actions)
        .filter((method) => method !== 'GET')
        .map((method) => `${method} ${path}`),
    )
  const known = new Set(seeds.map(({ method, route }) => `${method} ${route}`))
  expect(writing.filter((each) => !known.has(each))).toEqual([])
})

test(
  `${inputs} spoiled requests: each is answered, none breaks the agent`,
  async () => {
    const pick = generator(seedNumber)
    const bad: string[] = []
    const seen = new Map<string, { accepted: number; refused: number }>()
    let sent = 0
    const lane = async (): Promise<void> => {
      while (sent < inputs && bad.length < 5) {
        const number = sent++
        const seed = seeds[pick(seeds.length)]
        if (seed === undefined) continue
        const spoiled = spoil(seed, pick)
        const outcome = await send(spoiled, tokenFor(seed))
        const complaint = complaintAbout(outcome)
        if (complaint !== undefined)
          bad.push(`input ${number} of seed ${seedNumber}: ${complaint}\n${JSON.stringify(spoiled)}`)
        const row = seen.get(`${seed.method} ${seed.route}`) ?? { accepted: 0, refused: 0 }
        if (typeof outcome !== 'string' && outcome.status < 300) row.accepted += 1
        else row.refused += 1
        seen.set(`${seed.method} ${seed.route}`, row)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    expect(bad).toEqual([])
    expect(Object.keys(Object.prototype)).toEqual([])
    // Requests that are all refused at the first look would test nothing behind it.
    const accepted = [...seen.values()].reduce((sum, row) => sum + row.accepted, 0)
    expect(accepted).toBeGreaterThan(inputs / 10)
    expect(accepted).toBeLessThan(inputs * 0.9)
  },
  Math.max(60_000, inputs * 20),
)

test('afterwards a good request is answered as ever', async () => {
  const reply = await api.ask('GET', '/v1/catalog/nodes?near=_agent')
  expect(reply.status).toBe(200)
})
