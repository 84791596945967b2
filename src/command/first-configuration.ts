/**
 * The text of a host's first configuration: each key with a comment, what was not said as an example behind `//`. Writes
 * nothing; that is init.ts.
 */
export type HostKind = 'first server' | 'further server' | 'host' | 'trial'

export interface HostFacts {
  /** Servers that there are already. */
  readonly join?: readonly string[]
  readonly node?: string
  readonly address?: string
  readonly datacenter?: string
}

/** File name for each kind of host; a folder may hold files of several kinds of tools, so each has one of its own. */
export const fileNames: Readonly<Record<HostKind, string>> = {
  'first server': 'server.hcl',
  'further server': 'server.hcl',
  host: 'agent.hcl',
  trial: 'dev.hcl',
}

/** `folder`: where it will lie, for the commands in its comments. */
export function firstConfiguration(kind: HostKind, facts: HostFacts, folder: string): string {
  return kind === 'trial' ? trialText(folder) : hostText(kind, facts, folder)
}

function hostText(kind: HostKind, facts: HostFacts, folder: string): string {
  const { node, address, datacenter, join: servers = [] } = facts
  const list = servers.map((server) => JSON.stringify(server)).join(', ')
  const blocks = [
    `# Written by \`mesh init\`. All programs of this host read every *.hcl and *.json file of this folder;\n# \`mesh validate ${folder}\` says what is wrong in them.`,
    kind === 'host' ? undefined : '# This host runs a server.\nserver = true',
    serversBlock(kind, list),
    key(
      'node_name',
      node,
      'web-1',
      'Its name in the mesh; every host and server has one of its own. Default: the host name.',
    ),
    key(
      'advertise_addr',
      address,
      '10.0.0.2',
      'Where other hosts reach it. Default: the first private IPv4 address.',
    ),
    key('datacenter', datacenter, 'dc1', 'Default: dc1. Servers and hosts of one mesh have the same.'),
  ]
  return `${blocks.filter((block) => block !== undefined).join('\n\n')}\n`
}

function serversBlock(kind: HostKind, list: string): string | undefined {
  if (kind === 'first server')
    return '# It names no other server, so it founds a new mesh when it is started for the first time.\n// servers = ["10.0.0.2"]'
  if (kind === 'further server')
    return `# The other servers. Because they are named, this one founds nothing: it waits for its token.\nservers = [${list}]`
  return list === ''
    ? '# The servers. Default: those that the token names.\n// servers = ["10.0.0.1"]'
    : `# The servers.\nservers = [${list}]`
}

/** Without a value the line is an example: `//` before it. */
function key(name: string, value: string | undefined, example: string, comment: string): string {
  const line = `${name} = ${JSON.stringify(value ?? example)}`
  return `# ${comment}\n${value === undefined ? `// ${line}` : line}`
}

/** Ports of the two services of a trial; the commands that begin it name them too. */
export const trialPorts = { web: 8080, backend: 9090, upstream: 9191 } as const

const trialText = (
  folder: string,
): string => `# Written by \`mesh init -dev\`: two services for a mesh that lives on 127.0.0.1 and keeps nothing.
#
#   mesh agent -dev -config-dir ${folder}

# The called one. Where it really listens is known to the mesh alone.
service {
  name = "backend"
  port = ${trialPorts.backend}

  connect {
    sidecar_service {}
  }

  check {
    name     = "backend answers"
    http     = "http://127.0.0.1:${trialPorts.backend}/health"
    interval = "5s"
    timeout  = "2s"
  }
}

# The caller. It reaches \`backend\` at 127.0.0.1:${trialPorts.upstream}, over mutual TLS, once an intention allows it.
service {
  name = "web"
  port = ${trialPorts.web}

  connect {
    sidecar_service {
      proxy {
        upstreams {
          destination_name = "backend"
          local_bind_port  = ${trialPorts.upstream}
        }
      }
    }
  }
}
`
