/**
 * Looks at the catalog through one agent all the time, by turns as that agent knows it and as the leader does, and counts
 * the looks at which an instance was missing. Runs in a host by a Node.js of its own, until SIGTERM.
 *
 *   catalog-looks.ts REPORT-FILE SERVICE=INSTANCES...
 */
import { writeFileSync } from 'node:fs'

export interface LookReport {
  /** Looks that were answered. */
  readonly looks: number
  /** The agent, or a leader, was away. */
  readonly unanswered: number
  /** Instances were missing. */
  readonly lost: number
  /** All were there, and some check of one was not passing: for a moment its host counts as failed, for example. */
  readonly unwell: number
  /** The first ones. */
  readonly losses: readonly string[]
}

const everyMs = 200
const timeoutMs = 5_000
const mostLosses = 50

const [reportFile = '', ...wanted] = process.argv.slice(2)
const counts = { looks: 0, unanswered: 0, lost: 0, unwell: 0 }
const losses: string[] = []
let isEnding: boolean = false

process.on('SIGTERM', () => {
  isEnding = true
})

for (let turn = 0; !isEnding; turn += 1) {
  for (const pair of wanted) await look(pair, turn % 2 === 0 ? 'stale' : 'consistent')
  await new Promise((resolve) => setTimeout(resolve, everyMs))
}
const report: LookReport = { ...counts, losses }
writeFileSync(reportFile, JSON.stringify(report))

async function look(pair: string, mode: string): Promise<void> {
  const [service = '', instances = ''] = pair.split('=')
  const found = await registered(service, mode)
  if (found === undefined) {
    counts.unanswered += 1
    return
  }
  counts.looks += 1
  if (found.passing < Number(instances)) counts.unwell += 1
  if (found.all >= Number(instances)) return
  counts.lost += 1
  const when = new Date().toISOString()
  if (losses.length < mostLosses) losses.push(`${when} ${service}${mode}: ${found.all} of ${instances}`)
}

interface Found {
  readonly all: number
  readonly passing: number
}

interface Row {
  readonly Checks: readonly { readonly Status: string }[]
}

/** How many instances are in the catalog; undefined where nobody could say. */
async function registered(service: string, mode: string): Promise<Found | undefined> {
  try {
    const url = `http://127.0.0.1:8500/v1/health/service/${service}?${mode}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    if (answer.status !== 200) return undefined
    const rows = (await answer.json()) as readonly Row[]
    const passing = rows.filter(({ Checks }) => Checks.every(({ Status }) => Status === 'passing'))
    return { all: rows.length, passing: passing.length }
  } catch {
    return undefined
  }
}
