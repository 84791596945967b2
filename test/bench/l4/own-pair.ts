// Our own pair: a whole mesh of server, two agents and two proxies, as operators run it, with its intention and its access
// log. What counts are the processes that the bytes go through: holder and worker of both hosts.
import { readFileSync } from 'node:fs'
import { type Host, LocalMesh } from '../../../src/command/dev/mesh.ts'
import { until } from '../../../src/command/dev/program.ts'
import { entry } from '../../processes/fixture.ts'
import type { Endpoint, FarProxy, ProxyPair } from './pair.ts'
import { answers } from './peer-pairs.ts'

export interface OwnPlan {
  readonly folder: string
  readonly server: string
  readonly out: Endpoint
  readonly in: FarProxy
  readonly service: Endpoint
}

export function ownPair(plan: OwnPlan): ProxyPair {
  const mesh = new LocalMesh({
    directory: plan.folder,
    entry,
    serverAddress: plan.server,
    hosts: [
      { name: 'alpha', address: plan.out.host, services: ['web'], files: { 'web.hcl': webHcl(plan.out) } },
      {
        name: 'beta',
        address: plan.in.listens.host,
        services: ['backend'],
        files: { 'backend.hcl': backendHcl(plan) },
      },
    ],
  })
  return {
    name: 'ours',
    entry: plan.out,
    async start() {
      await mesh.start()
      const operator = mesh.hostEnvironment(mesh.host('alpha'))
      await mesh.cli(['intention', 'allow', 'web', 'backend'], operator)
      await until('our proxies to answer', async () => (await answers(plan.out)) || undefined, {
        watching: mesh.programs,
      })
    },
    stop: () => mesh.stop(),
    pids: () => mesh.hosts.flatMap(proxyPids),
  }
}

function proxyPids(host: Host): readonly number[] {
  const holder = host.proxy.pid
  if (holder === undefined) return []
  const children = readFileSync(`/proc/${holder}/task/${holder}/children`, 'utf8').trim()
  return [holder, ...children.split(' ').filter(Boolean).map(Number)]
}

const webHcl = ({ host, port }: Endpoint): string => `service {
  name = "web"
  port = 8080
  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name   = "backend"
          local_bind_address = "${host}"
          local_bind_port    = ${port}
        }
      }
    }
  }
}
`

const backendHcl = ({ service, in: { listens, found } }: OwnPlan): string => `service {
  name = "backend"
  port = ${service.port}
  connect {
    sidecar_service {
      address = "${found.host}"
      port    = ${found.port}
      proxy {
        local_service_address = "${service.host}"
        config {
          bind_address = "${listens.host}"
          bind_port    = ${listens.port}
        }
      }
    }
  }
}
`
