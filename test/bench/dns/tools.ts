// Debian's dnsperf as the client, and Debian's unbound as the server we are compared with.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../peers/child.ts'
import { type DebianProgram, debianProgram } from '../../peers/debian.ts'
import { PeerMissing } from '../result.ts'

export interface Address {
  readonly address: string
  readonly port: number
}

export interface Figures {
  readonly perSecond: number
  readonly lost: number
  readonly averageMs: number
}

export function needed(packageName: string, name: string): DebianProgram {
  const program = debianProgram(packageName, name)
  if (program === undefined) throw new PeerMissing(packageName)
  return program
}

/** Sends the questions of `file` over and over, 100 under way at once, and counts what comes back. */
export function dnsperf(
  program: DebianProgram,
  { address, port }: Address,
  { file, seconds }: { readonly file: string; readonly seconds: number },
): Promise<Figures> {
  const args = [
    '-s',
    address,
    '-p',
    String(port),
    '-d',
    file,
    '-l',
    String(seconds),
    '-c',
    '4',
    '-q',
    '100',
    '-e',
  ]
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...program.env }
    execFile(program.path, args, { env, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`dnsperf: ${stderr}${error.message}`))
      else
        resolve({
          perSecond: figure(stdout, 'Queries per second'),
          lost: figure(stdout, 'Queries lost'),
          averageMs: 1_000 * figure(stdout, 'Average Latency (s)'),
        })
    })
  })
}

function figure(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.includes(`${name}:`)) ?? ''
  const found = /:\s+([\d.]+)/.exec(line)?.[1]
  if (found === undefined) throw new Error(`dnsperf did not say "${name}":\n${text}`)
  return Number(found)
}

/** unbound with `records` as local data of the zone, one thread. */
export function unbound(
  at: Address,
  directory: string,
  { zone, records }: { readonly zone: string; readonly records: readonly string[] },
): Child {
  const program = needed('unbound', 'unbound')
  const file = join(directory, 'unbound.conf')
  const lines = [
    'server:',
    `  interface: ${at.address}@${at.port}`,
    `  port: ${at.port}`,
    '  do-daemonize: no',
    '  use-syslog: no',
    '  chroot: ""',
    '  username: ""',
    `  directory: "${directory}"`,
    '  pidfile: ""',
    '  verbosity: 0',
    '  num-threads: 1',
    '  access-control: 127.0.0.0/8 allow',
    `  local-zone: "${zone}." static`,
    ...records.map((record) => `  local-data: '${record}'`),
    'remote-control:',
    '  control-enable: no',
    '',
  ]
  writeFileSync(file, lines.join('\n'))
  return new Child([program.path, '-d', '-c', file], join(directory, 'unbound.log'), program.env)
}
