// The peers: HAProxy in TCP mode and nginx's stream module, one thread each, configured by the files in configuration/.
import { connect } from 'node:net'
import { join } from 'node:path'
import { until } from '../../../src/command/dev/program.ts'
import type { CertificateFiles } from '../../peers/certificates.ts'
import type { Child } from '../../peers/child.ts'
import { type Endpoint, type FarProxy, type ProxyPair, textOf } from './pair.ts'
import { childOf, requireProgram, writeConfiguration } from './program.ts'

export interface PeerPlan {
  /** For configurations and logs. */
  readonly folder: string
  readonly out: Endpoint
  readonly in: FarProxy
  readonly service: Endpoint
  readonly certificates: CertificateFiles
  /** Certificate and key in one file. */
  readonly combined: string
}

export function haproxyPair(plan: PeerPlan): ProxyPair {
  const program = requireProgram('haproxy', 'haproxy')
  const values = valuesOf(plan)
  const children = ['haproxy-in.cfg', 'haproxy-out.cfg'].map((template) =>
    childOf(
      program,
      ['-db', '-f', writeConfiguration(template, plan.folder, values)],
      join(plan.folder, `${template}.log`),
    ),
  )
  return pairOf('haproxy', plan, children)
}

export function nginxPair(plan: PeerPlan): ProxyPair {
  const program = requireProgram('nginx', 'nginx')
  const module = requireProgram('libnginx-mod-stream', 'usr/lib/nginx/modules/ngx_stream_module.so').path
  const values = { ...valuesOf(plan), STREAM_MODULE: module }
  const children = ['nginx-in.conf', 'nginx-out.conf'].map((template) =>
    childOf(
      program,
      [
        '-e',
        join(plan.folder, `${template}.early`),
        '-p',
        plan.folder,
        '-c',
        writeConfiguration(template, plan.folder, values),
      ],
      join(plan.folder, `${template}.log`),
    ),
  )
  return pairOf('nginx', plan, children)
}

const valuesOf = (plan: PeerPlan): Readonly<Record<string, string>> => ({
  OUT: textOf(plan.out),
  IN: textOf(plan.in.listens),
  FAR: textOf(plan.in.found),
  SERVICE: textOf(plan.service),
  FOLDER: plan.folder,
  AUTHORITY: plan.certificates.authority,
  CHAIN: plan.certificates.certificate,
  KEY: plan.certificates.key,
  CERTIFICATE: plan.combined,
})

function pairOf(name: ProxyPair['name'], plan: PeerPlan, children: readonly Child[]): ProxyPair {
  return {
    name,
    entry: plan.out,
    async start() {
      for (const child of children) child.start()
      await until(`${name} to answer`, async () => {
        const dead = children.find((child) => !child.isRunning)
        if (dead !== undefined) throw new Error(`${name} ended: ${dead.logTail()}`)
        return (await answers(plan.out)) || undefined
      })
    },
    async stop() {
      await Promise.all(children.map((child) => child.kill()))
    },
    pids: () => children.flatMap(({ pid }) => pid ?? []),
  }
}

/** Whether a request over HTTP gets an answer there. */
export function answers({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
    socket.setTimeout(2_000, () => socket.destroy())
    socket.once('data', (data) => {
      resolve(data.toString('latin1').startsWith('HTTP/1.1 200'))
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
