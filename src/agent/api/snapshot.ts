/**
 * Snapshots of the cluster's state over HTTP: GET reads one out, PUT restores one. Bytes pass through piece by piece, so
 * that neither agent nor server holds a whole one. What is in the file: wire/snapshot-archive.ts.
 */
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { operate, tryOperate } from './operate.ts'
import { refuseElsewhere } from './parameters.ts'
import { ApiRefusal, accept } from './refusal.ts'

export const snapshotEndpoints: readonly Endpoint[] = [
  {
    path: '/v1/snapshot',
    takesStream: true,
    actions: { GET: { need: 'operate', run: save }, PUT: { need: 'operate', run: restore } },
  },
]

/** Bytes of one call to a server while restoring. */
const pieceBytes = 256 * 1024

async function save(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  const stale = call.query.has('stale')
  const { id, origin } = await operate(api, call, 'snapshot.open', { stale })
  return {
    stream: { body: pieces(api, call, id), type: 'application/x-ndjson' },
    headers: {
      'X-Consul-Index': String(Math.max(1, origin.index)),
      'X-Consul-KnownLeader': 'true',
      'X-Consul-LastContact': '0',
      'Content-Disposition': `attachment; filename="mesh-${origin.index}.snapshot"`,
    },
  }
}

/** An error midway ends the connection; the file lacks its last line then, and everybody refuses it. */
async function* pieces(api: Api, call: Call, id: string): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { answer, data } = accept(await tryOperate(api, call, 'snapshot.next', { args: { id } }))
    yield data
    if (answer.isLast) return
  }
}

async function restore(api: Api, call: Call): Promise<Answer> {
  refuseElsewhere(call.query, api.settings.datacenter)
  if (call.stream === undefined) throw new ApiRefusal('bad-request', 'the request has no body')
  const { id } = await operate(api, call, 'restore.open', { clusterKey: '' })
  for await (const data of cut(call.stream))
    accept(await tryOperate(api, call, 'restore.write', { args: { id }, data }))
  const { index } = await operate(api, call, 'restore.finish', { id })
  return { headers: { 'X-Mesh-Index': String(index) } }
}

/** Network pieces joined to about one size: each costs a call. */
async function* cut(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for await (const piece of stream) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < pieceBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}
