/**
 * Endpoints of our own, below `/v1/mesh/`, for what Consul has no name for. The `mesh` commands use them.
 *
 * GET services: `[{Name, Kind, Tags, Instances, Passing, Warning, Critical, MeshInstances}]`, blocking like catalog reads.
 * GET enforcement/:service?index=&wait=: `{Destination, Index, Enforced, Total, WaitingFor}`, the index being that of the
 * X-Mesh-Index header of a write. PUT token `{Node, Services, TTL}`: `{Token, Node, Services, ExpiresAt}`.
 */

import { limits } from '../../model/limits.ts'
import type { Queries, ReadAnswer } from '../../model/query.ts'
import { parseTokenBody } from '../../wire/http-json/bodies.ts'
import { serviceSummaryJson } from '../../wire/http-json/summary.ts'
import { formatTime } from '../../wire/http-json/time.ts'
import { jsonBody } from './body.ts'
import { clusterRead, readResult, tryRead, tryWrite } from './cluster.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { issueEnrollmentToken } from './enrollment-token.ts'
import { indexOf, refuseElsewhere, waitOf } from './parameters.ts'
import { ApiRefusal, accept, acceptPlain, ClientGone } from './refusal.ts'

export const meshEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/services', actions: { GET: { need: 'read', run: services } } },
  { path: '/v1/mesh/enforcement/*', actions: { GET: { need: 'read', run: enforcement } } },
  { path: '/v1/mesh/token', actions: { PUT: { need: 'operate', run: token } } },
]

async function services(api: Api, call: Call): Promise<Answer> {
  const { answer, meta } = await clusterRead(api, call, 'mesh.services', {})
  return { json: answer.map(serviceSummaryJson), meta }
}

/** Shortest time between two looks, should a server answer at once although it was asked to wait. */
const lookAgainMs = 50

/** Waits until every proxy that serves the destination enforces log index `index`, at most `wait`. */
async function enforcement(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  if (call.name === '')
    throw new ApiRefusal('bad-request', 'Missing service name: it stands at the end of the path')
  const index = indexOf(call.query, 'index', 'Invalid index: it is the X-Mesh-Index of a write') ?? 0
  const waitMs = call.query.has('wait') ? Math.min(waitOf(call.query), limits.enforcementWaitMaxMs) : 0
  const args = { destination: call.name, index }
  const first = await look(api, call, args, { minIndex: 0, waitMs: 0 })
  const { answer } =
    isComplete(first) || waitMs === 0
      ? first
      : await call.hold(() => follow(api, call, args, { first, waitMs }))
  return {
    json: {
      Destination: args.destination,
      Index: index,
      Enforced: answer.enforced,
      Total: answer.total,
      WaitingFor: answer.waitingFor,
    },
  }
}

type Seen = ReadAnswer<'intentions.enforcement'>
type Asked = Queries['intentions.enforcement']['args']

const isComplete = ({ answer }: Seen): boolean => answer.enforced >= answer.total

async function look(
  api: Api,
  call: Call,
  args: Asked,
  asked: { readonly minIndex: number; readonly waitMs: number },
): Promise<Seen> {
  return accept(
    await readResult(api, call, 'intentions.enforcement', {
      args,
      asked: { consistency: 'default', ...asked },
    }),
  )
}

async function follow(
  api: Api,
  call: Call,
  args: Asked,
  { first, waitMs }: { readonly first: Seen; readonly waitMs: number },
): Promise<Seen> {
  const deadline = api.clock.monotonicMs() + waitMs
  const leftMs = (): number => Math.max(0, deadline - api.clock.monotonicMs())
  let seen = first
  while (!isComplete(seen) && leftMs() > 0) {
    const { index } = seen.meta
    seen = await look(api, call, args, { minIndex: index, waitMs: Math.ceil(leftMs()) })
    if (seen.meta.index === index) await pause(api, call, Math.min(lookAgainMs, leftMs()))
  }
  return seen
}

function pause(api: Api, call: Call, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel()
      reject(new ClientGone())
    }
    const timer = api.clock.after(delayMs, () => {
      call.signal.removeEventListener('abort', abort)
      resolve()
    })
    call.signal.addEventListener('abort', abort, { once: true })
  })
}

async function token(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const wanted = acceptPlain(parseTokenBody(jsonBody(call)))
  const issued = accept(
    await issueEnrollmentToken(
      {
        join: async () => {
          const result = await tryRead(api, call, 'mesh.join', {})
          return result.ok ? { ok: true, value: result.value.answer } : result
        },
        write: (command) => tryWrite(api, call, command),
        random: api.random,
        clock: api.clock,
      },
      wanted,
    ),
  )
  return {
    json: {
      Token: issued.token,
      Node: wanted.node,
      Services: wanted.services,
      Server: wanted.role === 'server',
      ExpiresAt: formatTime(issued.expiresAtMs),
    },
  }
}
