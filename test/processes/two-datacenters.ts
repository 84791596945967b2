// Two datacenters of real processes, each with one server: `web` on host alpha of dc1, `backend` on host beta of dc2, where
// web's upstream names the datacenter. Each has a loopback network of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Host, LocalMesh } from '../../src/command/dev/mesh.ts'
import { backendHcl, entry, ports } from './fixture.ts'

export interface Datacenters {
  readonly dc1: LocalMesh
  readonly dc2: LocalMesh
  /** Starts both, each by itself. */
  start(): Promise<void>
  /** dc2 joins dc1, which becomes the primary. */
  federate(): Promise<void>
  /** `mesh ARGS` on the server of a datacenter, as its operator. */
  onServer(mesh: LocalMesh, args: readonly string[]): Promise<string>
  /** `mesh ARGS` on a host, as the operator of its datacenter. */
  onHost(mesh: LocalMesh, host: string, args: readonly string[]): Promise<string>
  close(): Promise<void>
}

let made = 0

/** What is cut is found out soon. */
const patience = { serverSettings: 'performance { rpc_hold_timeout = "1s" }' }

export function planDatacenters(): Datacenters {
  made += 1
  const net = `127.${232 + (process.pid % 20)}.${(Math.floor(process.pid / 20) + made * 2) % 250}`
  const directory = mkdtempSync(join(tmpdir(), 'mesh-d-'))
  const dc1 = new LocalMesh({
    directory: join(directory, '1'),
    entry,
    datacenter: 'dc1',
    ...patience,
    serverAddress: `${net}.1`,
    hosts: [
      {
        name: 'alpha',
        address: `${net}.2`,
        services: ['web'],
        files: { 'web.hcl': farWebHcl(`${net}.2`) },
      },
    ],
  })
  const dc2 = new LocalMesh({
    directory: join(directory, '2'),
    entry,
    datacenter: 'dc2',
    ...patience,
    serverAddress: `${net}.11`,
    hosts: [
      {
        name: 'beta',
        address: `${net}.12`,
        services: ['backend', 'other'],
        files: { 'backend.hcl': backendHcl(`${net}.12`) },
      },
    ],
  })
  const onServer = (mesh: LocalMesh, args: readonly string[]): Promise<string> =>
    mesh.cli(args, mesh.serverEnvironment())
  return {
    dc1,
    dc2,
    onServer,
    onHost: (mesh, host, args) => mesh.cli(args, mesh.hostEnvironment(mesh.host(host))),
    start: async () => {
      await Promise.all([dc1.start(), dc2.start()])
    },
    federate: async () => {
      const token = await onServer(dc1, ['federation', 'token', '-q'])
      const file = join(directory, 'federation.token')
      writeFileSync(file, token, { mode: 0o600 })
      await onServer(dc2, ['federation', 'join', '-enrollment-token-file', file])
    },
    close: async () => {
      await Promise.all([dc1.stop(), dc2.stop()])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Body of a GET on a host's API, with its status. */
export async function ask(
  host: Host,
  path: string,
): Promise<{ readonly status: number; readonly text: string; readonly json: () => unknown }> {
  const response = await fetch(`${host.api}${path}`)
  const text = await response.text()
  return { status: response.status, text, json: () => JSON.parse(text) as unknown }
}

function farWebHcl(address: string): string {
  return `service {
  name = "web"
  port = ${ports.web}
  connect {
    sidecar_service {
      proxy {
        local_service_address = "${address}"
        upstreams {
          destination_name   = "backend"
          datacenter         = "dc2"
          local_bind_address = "${address}"
          local_bind_port    = ${ports.upstream}
        }
      }
    }
  }
}
`
}
