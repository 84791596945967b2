/**
 * `mesh init`: writes the first configuration of a host, with a comment for each key, and says what to type next. It never
 * overwrites a file, and writes nothing that the other files of the folder contradict.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfiguration } from '../config/load.ts'
import type { SourceFile } from '../config/settings.ts'
import { systemSourceFiles } from '../platform/source-files.ts'
import { showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'
import { systemMachine } from './machine.ts'

export interface InitOptions {
  readonly server?: true
  readonly agent?: true
  /** Servers that there are already. */
  readonly join?: readonly string[]
  readonly node?: string
  readonly address?: string
  readonly datacenter?: string
  readonly configDir: string
}

/** The three kinds of host that begin differently. */
type Kind = 'first server' | 'further server' | 'host'

export function init(context: Context, options: InitOptions): void {
  const kind = kindOf(options)
  const path = join(options.configDir, kind === 'host' ? 'agent.hcl' : 'server.hcl')
  const text = textOf(kind, options)
  if (existsSync(path))
    throw new CommandFailure(`${path} is there already`, { next: 'edit it, or move it away first' })
  checkTogether(context, options.configDir, { path, text })
  write(options.configDir, path, text)
  context.terminal.line(`Written: ${path}`)
  for (const line of nextSteps(kind, options)) context.terminal.note(line)
}

function kindOf({ server, agent, join: servers = [] }: InitOptions): Kind {
  if ((server === true) === (agent === true))
    throw new UsageFailure(
      'is this host to be a server?',
      'mesh init -server, or mesh init -agent for a host without',
    )
  if (agent === true) return 'host'
  return servers.length === 0 ? 'first server' : 'further server'
}

/** Whatever is wrong is shown before anything is written. */
function checkTogether({ terminal }: Context, folder: string, file: SourceFile): void {
  const { files, unreadable } = existsSync(folder)
    ? systemSourceFiles.read([folder])
    : { files: [], unreadable: [] }
  const [first] = unreadable
  if (first !== undefined)
    throw new CommandFailure(`${first.path} cannot be read: ${systemReason(first.message)}`)
  const loaded = loadConfiguration([...files, file], systemMachine())
  if (!loaded.ok) throw showMistakes(terminal, loaded.errors)
}

function write(folder: string, path: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, text, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    throw new CommandFailure(`${path} cannot be written: ${systemReason(error)}`)
  }
}

function textOf(kind: Kind, options: InitOptions): string {
  const { node, address, datacenter, join: servers = [] } = options
  const list = servers.map((server) => JSON.stringify(server)).join(', ')
  const blocks = [
    `# Written by \`mesh init\`. All programs of this host read every *.hcl and *.json file of this folder;\n# \`mesh validate ${options.configDir}\` says what is wrong in them.`,
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

function serversBlock(kind: Kind, list: string): string | undefined {
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

function nextSteps(kind: Kind, { node }: InitOptions): readonly string[] {
  const name = node ?? 'NAME'
  switch (kind) {
    case 'first server':
      return [
        'Start it:             systemctl start mesh-agent',
        'Let a server in:      mesh token create -server -node s2 -q > s2.token',
        'Let a host in:        mesh token create -node web-1 -service web -q > web-1.token',
      ]
    case 'further server':
      return [
        `On a server:          mesh token create -server -node ${name} -q > ${name}.token`,
        'Start this one:       systemctl start mesh-agent',
        `With the token here:  mesh enroll -server -token-file ${name}.token`,
      ]
    case 'host':
      return [
        `On a server:          mesh token create -node ${name} -service SERVICE -q > ${name}.token`,
        'Start the agent:      systemctl start mesh-agent',
        `With the token here:  mesh enroll -token-file ${name}.token`,
      ]
  }
}
