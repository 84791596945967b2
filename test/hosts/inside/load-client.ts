/**
 * Runs inside a host, by the Node of the package: asks URLs at steady rates, each request on a connection of its own, and
 * may write keys through the agent's API. Counts what became of each by its reason, in a file that is replaced ten times
 * a second. Imports nothing of the project: it is carried to the host as this one file. Started by ../load.ts.
 *
 *   load-client.ts REPORT LANE=URL@RATE... [writes=URL@RATE,TOKENFILE,LEDGER]
 */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'

/** Longer than any pause that a fault may cause: what takes this long counts as lost. */
const patienceMs = 15_000
const reportIntervalMs = 100
/** Requests of one lane that are under way; beyond, the lane waits and says so by its rate. */
const underWayLimit = 2_000

interface LaneReport {
  readonly answers: Record<string, number>
  readonly failures: Record<string, number>
  sent: number
  slowestMs: number
}

interface Outcome {
  readonly kind: 'answers' | 'failures'
  /** What was answered, or why nothing was. */
  readonly text: string
}

interface Lane {
  readonly intervalMs: number
  readonly report: LaneReport
  readonly ask: () => Promise<Outcome>
  underWay: number
}

interface Call {
  readonly method: 'GET' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const plain: Call = { method: 'GET', headers: {}, body: '' }

/** One request on a new connection. Never rejects. */
function call(url: string, { method, headers, body }: Call): Promise<Outcome> {
  return new Promise((resolve) => {
    const sent = request(url, { method, headers, agent: false, signal: AbortSignal.timeout(patienceMs) })
    const fail = (error: NodeJS.ErrnoException): void =>
      resolve({
        kind: 'failures',
        text:
          error.name === 'AbortError' || error.name === 'TimeoutError'
            ? 'timeout'
            : (error.code ?? error.message),
      })
    sent.on('error', fail)
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text = (text + piece).slice(0, 500)
      })
      response.on('error', fail)
      response.on('end', () => {
        const good = response.statusCode === 200
        const reason = response.headers['x-mesh-reason'] ?? text.trim()
        resolve({
          kind: good ? 'answers' : 'failures',
          text: good ? text.trim() : `${response.statusCode} ${reason}`,
        })
      })
    })
    sent.end(body)
  })
}

/** Keys are numbered. A number stands in the ledger, on disk, only when its write was acknowledged. */
function writer(url: string, tokenFile: string, ledger: string): () => Promise<Outcome> {
  const token = readFileSync(tokenFile, 'utf8').trim()
  const run = Date.now().toString(36)
  let next = 0
  return async () => {
    const key = `${run}-${next++}`
    const outcome = await call(`${url}/v1/kv/ledger/${key}`, {
      method: 'PUT',
      headers: { 'x-consul-token': token },
      body: key,
    })
    if (outcome.text === 'true') appendFileSync(ledger, `${key}\n`)
    return outcome
  }
}

function laneOf(target: string): readonly [name: string, lane: Lane] {
  const [, name = '', url = '', rate = '', tokenFile = '', ledger = ''] =
    /^(\w+)=([^@]+)@([\d.]+)(?:,([^,]+),([^,]+))?$/.exec(target) ?? []
  if (url === '') throw new Error(`not a lane: ${target}`)
  const ask = tokenFile === '' ? () => call(url, plain) : writer(url, tokenFile, ledger)
  const report = { sent: 0, slowestMs: 0, answers: {}, failures: {} }
  return [name, { intervalMs: 1000 / Number(rate), report, ask, underWay: 0 }]
}

async function once(lane: Lane): Promise<void> {
  if (lane.underWay >= underWayLimit) return
  lane.underWay += 1
  lane.report.sent += 1
  const startMs = performance.now()
  const { kind, text } = await lane.ask()
  lane.underWay -= 1
  lane.report[kind][text] = (lane.report[kind][text] ?? 0) + 1
  lane.report.slowestMs = Math.max(lane.report.slowestMs, Math.round(performance.now() - startMs))
}

const [file = '', ...targets] = process.argv.slice(2)
const lanes = new Map(targets.map(laneOf))

function report(): void {
  writeFileSync(
    `${file}.part`,
    JSON.stringify(Object.fromEntries([...lanes].map(([name, lane]) => [name, lane.report]))),
  )
  renameSync(`${file}.part`, file)
}

const timers = [...lanes.values()].map((lane) => setInterval(() => void once(lane), lane.intervalMs))
const reporting = setInterval(report, reportIntervalMs)

process.once('SIGTERM', () => {
  for (const timer of timers) clearInterval(timer)
  clearInterval(reporting)
  const end = setInterval(() => {
    if ([...lanes.values()].some(({ underWay }) => underWay > 0)) return
    clearInterval(end)
    report()
  }, 10)
})
