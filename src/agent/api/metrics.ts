/**
 * What the agent counts and measures: the last interval in Consul's JSON, totals as Prometheus text, or a line of JSON per
 * interval for as long as the client stays.
 */
import { limits } from '../../model/limits.ts'
import type { Timer } from '../../platform/ports.ts'
import { metricsJson } from '../../wire/http-json/metrics.ts'
import type { Answer, Api, Call, Endpoint } from './contract.ts'
import { createPieceStream } from './piece-stream.ts'
import { ApiRefusal } from './refusal.ts'

export const metricsEndpoints: readonly Endpoint[] = [
  { path: '/v1/agent/metrics', actions: { GET: { need: 'read', run: metrics } } },
  { path: '/v1/agent/metrics/stream', actions: { GET: { need: 'read', run: stream } } },
]

async function metrics(api: Api, { query }: Call): Promise<Answer> {
  const format = query.get('format') ?? ''
  if (format === 'prometheus')
    return { text: { body: await api.metricsPage.text(), type: api.metricsPage.contentType } }
  if (format !== '' && format !== 'json')
    throw new ApiRefusal(
      'bad-request',
      `Unknown format "${format.slice(0, 64)}": leave it away for JSON, or use format=prometheus (bad-request)`,
    )
  return { json: metricsJson(await api.metricsPage.recent()) }
}

/** A slow client misses whole intervals rather than holding them. */
const intervalsWaiting = 4

function stream(api: Api): Answer {
  let timer: Timer | undefined
  const body = createPieceStream({
    waiting: intervalsWaiting,
    gap: () => '',
    onClose: () => timer?.cancel(),
  })
  const tell = (): void => {
    api.metricsPage
      .recent()
      .then((recent) => body.push(`${JSON.stringify(metricsJson(recent))}\n`))
      .catch((error: unknown) => {
        api.log.error('metrics could not be read', { error })
        body.end()
      })
  }
  const wait = (): void => {
    timer = api.clock.after(limits.metricsIntervalMs, () => {
      tell()
      wait()
    })
  }
  tell()
  wait()
  return { stream: { body, type: 'application/json', headersFirst: true } }
}
