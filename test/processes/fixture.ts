// A mesh of real processes for tests: `web` on host alpha reaches `backend` on host beta. Each mesh has a loopback network
// of its own, so test files can run side by side; the services themselves are sockets of the test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type HostPlan, LocalMesh } from '../../src/command/dev/mesh.ts'
import { until } from '../../src/command/dev/program.ts'

export const entry = join(import.meta.dirname, '../../src/main.ts')

/** Ports of the sample services on their hosts' addresses. */
export const ports = { backend: 9090, web: 8080, upstream: 9191, sidecar: 21_000 } as const

let meshes = 0

/** 127.x.y: unlikely to be shared with another test process, never with another mesh of this one. */
function network(): string {
  meshes += 1
  return `127.${32 + (process.pid % 200)}.${(Math.floor(process.pid / 200) + meshes) % 250}`
}

export interface TestMesh {
  readonly mesh: LocalMesh
  readonly web: { readonly address: string }
  readonly backend: { readonly address: string }
  /** Host gamma, where it was asked for. */
  readonly other: { readonly address: string }
}

export interface TestMeshOptions {
  readonly webHcl?: string
  readonly backendHcl?: string
  readonly serverSettings?: string
  readonly agentSettings?: string
  /** A second instance of `backend`, on host gamma. */
  readonly gamma?: true
}

/** Plans the mesh; nothing runs yet. Call `close` in any case. */
export function planMesh(options: TestMeshOptions = {}): TestMesh & { close(): Promise<void> } {
  const net = network()
  const directory = mkdtempSync(join(tmpdir(), 'mesh-t-'))
  const alpha: HostPlan = {
    name: 'alpha',
    address: `${net}.2`,
    services: ['web'],
    files: { 'web.hcl': options.webHcl ?? webHcl(`${net}.2`) },
  }
  const beta: HostPlan = {
    name: 'beta',
    address: `${net}.3`,
    services: ['backend'],
    files: { 'backend.hcl': options.backendHcl ?? backendHcl(`${net}.3`) },
  }
  const gamma: HostPlan = {
    name: 'gamma',
    address: `${net}.4`,
    services: ['backend'],
    files: { 'backend.hcl': options.backendHcl ?? backendHcl(`${net}.4`) },
  }
  const mesh = new LocalMesh({
    directory,
    entry,
    serverAddress: `${net}.1`,
    hosts: [alpha, beta, ...(options.gamma === true ? [gamma] : [])],
    ...(options.serverSettings === undefined ? {} : { serverSettings: options.serverSettings }),
    ...(options.agentSettings === undefined ? {} : { agentSettings: options.agentSettings }),
  })
  return {
    mesh,
    web: { address: alpha.address },
    backend: { address: beta.address },
    other: { address: gamma.address },
    async close() {
      await mesh.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export function webHcl(address: string): string {
  return `service {
  name = "web"
  port = ${ports.web}
  connect {
    sidecar_service {
      proxy {
        local_service_address = "${address}"
        upstreams {
          destination_name   = "backend"
          local_bind_address = "${address}"
          local_bind_port    = ${ports.upstream}
        }
      }
    }
  }
}
`
}

export function backendHcl(address: string): string {
  return `service {
  name = "backend"
  port = ${ports.backend}
  connect {
    sidecar_service {
      proxy {
        local_service_address = "${address}"
      }
    }
  }
}
`
}

/** The command line as the operator on host alpha would type it. */
export function operate(test: TestMesh, args: readonly string[]): Promise<string> {
  return test.mesh.cli(args, test.mesh.hostEnvironment(test.mesh.host('alpha')))
}

export { until }
