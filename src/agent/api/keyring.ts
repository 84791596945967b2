/**
 * Keys of the gossip pool, on all its members at once: list, install, use, remove. Asked by gossip; every member answers
 * for itself, and what it says is told.
 */
import type { KeyReport } from '../../membership/contract.ts'
import { keyFromText } from '../../membership/key-store.ts'
import type { KeyOperation, KeyQuestion } from '../../membership/serf/key-queries.ts'
import { failed, type Result } from '../../model/errors.ts'
import { keyringJson } from '../../wire/http-json/keyring.ts'
import { jsonBody } from './body.ts'
import { plainRead } from './cluster.ts'
import type { Action, Answer, Api, Call, Endpoint } from './contract.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal, accept, refusalOf } from './refusal.ts'

const change = (operation: KeyOperation): Action => ({
  need: 'local',
  run: (api, call) => changeKeys(api, call, operation),
})

/** For those who may act for the host; keys that the servers keep are shown to operators only. */
export const keyringEndpoints: readonly Endpoint[] = [
  {
    path: '/v1/operator/keyring',
    actions: {
      GET: { need: 'local', run: list },
      POST: change('install'),
      PUT: change('use'),
      DELETE: change('remove'),
    },
  },
]

async function list(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const relayFactor = relayFactorOf(call)
  await refuseAllButOperators(api, call)
  const report = await ask(api, { operation: 'list', relayFactor }, '')
  return { json: [keyringJson({ ...report, datacenter: api.settings.datacenter })] }
}

/** A member that could not do it is a failure of the whole: the next step of a rotation would lose it. */
async function changeKeys(api: Api, call: Call, operation: KeyOperation): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const relayFactor = relayFactorOf(call)
  refuseWhereServersDecide(api)
  const key = (jsonBody(call) as { readonly Key?: unknown } | null)?.Key
  if (typeof key !== 'string') throw new ApiRefusal('bad-request', 'Missing Key: a gossip key in base64')
  const report = await ask(api, { operation, relayFactor }, key)
  accept(whole(report))
  api.log.info('The keys of gossip were changed', { operation, members: report.members })
  return {}
}

const serversDecide = (api: Api): boolean =>
  accept(api.membership.pool()).isEncrypted && api.settings.gossip.key === ''

/** A key of the whole mesh is more than rights over one host give, also where these let the call in. */
async function refuseAllButOperators(api: Api, call: Call): Promise<void> {
  if (!serversDecide(api)) return
  const { answer } = await plainRead(api, call, 'mesh.principal', {})
  if (answer.kind !== 'operator')
    throw refusalOf({ code: 'bad-token', message: 'the keys of gossip are shown to operators only' })
}

/** A key that the servers do not know would be lost with the next one that they give. */
function refuseWhereServersDecide(api: Api): void {
  if (serversDecide(api))
    throw new ApiRefusal(
      'unsupported-feature',
      'The servers make and change the keys of this pool. Keys are changed by hand only where `encrypt` is written in the configuration (unsupported-feature)',
    )
}

function whole({ members, answered, failures }: KeyReport): Result<true> {
  if (answered < members)
    return failed('keys-incomplete', `${members - answered} of ${members} members did not answer`)
  const said = Array.from(failures, ([node, why]) => `${node}: ${why}`)
  if (said.length > 0) return failed('keys-incomplete', said.slice(0, 8).join('; '))
  return { ok: true, value: true }
}

async function ask(
  api: Api,
  { operation, relayFactor }: Pick<KeyQuestion, 'operation' | 'relayFactor'>,
  keyText: string,
): Promise<KeyReport> {
  const pool = accept(api.membership.pool())
  const key = operation === 'list' ? new Uint8Array() : accept(keyFromText(keyText))
  const asked = new Promise<Result<KeyReport>>((resolve) =>
    pool.askAboutKeys({ operation, key, relayFactor }, resolve),
  )
  return accept(await asked)
}

const relayFactorMax = 5

function relayFactorOf({ query }: Call): number {
  const text = query.get('relay-factor') ?? ''
  if (text === '') return 0
  if (/^\d$/.test(text) && Number(text) <= relayFactorMax) return Number(text)
  throw new ApiRefusal('bad-request', `Invalid relay factor: it is a number from 0 to ${relayFactorMax}`)
}
