// Clients that nobody here wrote, run for some seconds against one address: what they did, and how it went.
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../src/command/dev/program.ts'
import type { DebianProgram } from '../../peers/debian.ts'
import type { Endpoint } from './pair.ts'
import { requireProgram } from './program.ts'

export interface Loaded {
  /** Requests, connections, or gigabytes. */
  readonly units: number
  /** Units per second. */
  readonly rate: number
  readonly failed: number
  /** Microseconds, where each request was timed. */
  readonly p50Us?: number
  readonly p99Us?: number
  /** The same median with nothing else under way, where that is the question. */
  readonly aloneP50Us?: number
}

export type Load = (to: Endpoint, seconds: number) => Promise<Loaded>

/** Requests on connections that stay open. */
export const requests = (connections: number): Load => wrk(['-c', String(connections)])

/** A connection for each request. */
export const connectionsEach = (lanes: number): Load => wrk(['-c', String(lanes), '-H', 'Connection: close'])

/** Transfers of the file at `path`, each followed by the next; units are whole files. */
export const transfers = (streams: number, path: string): Load =>
  wrk(['-c', String(streams), '--timeout', '60s'], path)

function wrk(options: readonly string[], path = '/'): Load {
  const program = requireProgram('wrk', 'wrk')
  return async ({ host, port }, seconds) => {
    const told = await run(program, [
      '-t',
      '1',
      '-d',
      `${seconds}s`,
      ...options,
      `http://${host}:${port}${path}`,
    ])
    const [, count, time] = /(\d+) requests in ([\d.]+)s/.exec(told) ?? []
    const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(told) ?? []
    const bad = /Non-2xx or 3xx responses: (\d+)/.exec(told)?.[1] ?? '0'
    if (count === undefined || time === undefined) throw new Error(`wrk said: ${told}`)
    const failed = errors.slice(1).reduce((sum, each) => sum + Number(each), Number(bad))
    return { units: Number(count), rate: Number(count) / Number(time), failed }
  }
}

/** Two bulk streams, `down` from the service to the client or `up` the other way; the service is iperf3. */
export function bulk(direction: 'down' | 'up', streams = 2): Load {
  const program = requireProgram('iperf3', 'iperf3')
  const ways = direction === 'down' ? ['-R'] : []
  return async ({ host, port }, seconds) => {
    const options = ['-c', host, '-p', String(port), '-t', String(seconds), '-P', String(streams), '-J']
    return until('iperf3 to be done with the run before', async () => {
      const { received, error } = iperfOf(await run(program, [...options, ...ways], { mayFail: true }))
      if (received !== undefined)
        return { units: received.bytes / 1e9, rate: received.bytes / 1e9 / received.seconds, failed: 0 }
      // Its server takes one client at a time, and hears of the end of the one before through two proxies.
      if (error.includes('busy')) return undefined
      throw new Error(`iperf3 said: ${error}`)
    })
  }
}

function iperfOf(text: string): {
  readonly received: { readonly bytes: number; readonly seconds: number } | undefined
  readonly error: string
} {
  const told = JSON.parse(text) as {
    readonly end?: { readonly sum_received?: { readonly bytes: number; readonly seconds: number } }
    readonly error?: string
  }
  return { received: told.end?.sum_received, error: told.error ?? 'nothing of what was received' }
}

/** A steady number of requests per second over 16 connections, each timed. */
export function steady(perSecond: number, folder: string): Load {
  const program = requireProgram('nghttp2-client', 'h2load')
  const clients = 16
  const logFile = join(folder, 'latencies')
  return async ({ host, port }, seconds) => {
    rmSync(logFile, { force: true })
    const rate = ['--rps', String(perSecond / clients), '-D', String(seconds)]
    const where = [`--log-file=${logFile}`, `http://${host}:${port}/`]
    await run(program, ['--h1', '-t', '1', '-c', String(clients), ...rate, ...where])
    const lines = readFileSync(logFile, 'utf8').trim().split('\n')
    const fields = lines.map((line) => line.split('\t').map(Number))
    const times = fields.map(([, , microseconds = Number.NaN]) => microseconds).sort((a, b) => a - b)
    const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
    const failed = fields.filter(([, status]) => status !== 200).length
    return { units: times.length, rate: times.length / seconds, failed, p50Us: at(0.5), p99Us: at(0.99) }
  }
}

/** With `mayFail` what it printed is told however it ended. */
function run(
  program: DebianProgram,
  args: readonly string[],
  { mayFail = false }: { readonly mayFail?: boolean } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program.path,
      [...args],
      { env: { ...process.env, ...program.env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null || (mayFail && stdout !== '')) resolve(stdout)
        else reject(new Error(`${program.path} ${args.join(' ')}: ${stderr || stdout}`))
      },
    )
  })
}
