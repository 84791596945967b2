/**
 * `mesh init`: writes the first configuration of a host, and where it is asked to, starts the host and lets it in with its
 * token, so that one command makes a host a part of the mesh. It never overwrites a file, and writes nothing that the other
 * files of the folder contradict.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfiguration } from '../config/load.ts'
import type { SourceFile } from '../config/settings.ts'
import { systemSourceFiles } from '../platform/source-files.ts'
import { parseEnrollmentToken } from '../rpc/enrollment-token.ts'
import { showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { readToken, required } from './enrollment.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'
import {
  fileNames,
  firstConfiguration,
  type HostFacts,
  type HostKind,
  trialPorts,
} from './first-configuration.ts'
import { systemMachine } from './machine.ts'
import { startUnit, unitConfiguration } from './unit.ts'

export interface InitOptions extends HostFacts {
  readonly server?: true
  readonly agent?: true
  readonly dev?: true
  readonly start?: true
  /** Starts the host, too. */
  readonly tokenFile?: string
  readonly configDir?: string
}

export async function init(context: Context, options: InitOptions): Promise<void> {
  const kind = kindOf(options)
  const folder = options.configDir ?? (kind === 'trial' ? 'mesh-dev' : unitConfiguration)
  const starts = options.start === true || options.tokenFile !== undefined
  if (starts) checkStart(kind, options, folder)
  // A token that cannot be read is no reason to leave half of the work behind.
  if (options.tokenFile !== undefined)
    required(parseEnrollmentToken(await readToken(context, options.tokenFile)))
  const path = join(folder, fileNames[kind])
  const text = firstConfiguration(kind, options, folder)
  if (existsSync(path))
    throw new CommandFailure(`${path} is there already`, { next: 'edit it, or move it away first' })
  checkTogether(context, kind, folder, { path, text })
  write(folder, path, text)
  context.terminal.line(`Written: ${path}`)
  if (starts) await begin(context, kind, { ...options, configDir: folder })
  else for (const line of nextSteps(kind, options, folder)) context.terminal.note(line)
}

function kindOf({ server, agent, dev, join: servers = [] }: InitOptions): HostKind {
  if ([server, agent, dev].filter((flag) => flag === true).length !== 1)
    throw new UsageFailure(
      'is this host to be a server?',
      'mesh init -server, or mesh init -agent for a host without; mesh init -dev to try it on this machine',
    )
  if (dev === true) return 'trial'
  if (agent === true) return 'host'
  return servers.length === 0 ? 'first server' : 'further server'
}

function checkStart(kind: HostKind, { tokenFile }: InitOptions, folder: string): void {
  if (kind === 'trial')
    throw new UsageFailure(
      'a trial is not run by systemd',
      `mesh init -dev, then mesh agent -dev -config-dir ${folder}`,
    )
  if (folder !== unitConfiguration)
    throw new UsageFailure(
      `systemd runs what is configured in ${unitConfiguration}, not in ${folder}`,
      'leave -start and -token-file away, or -config-dir',
    )
  if (kind === 'first server' && tokenFile !== undefined)
    throw new UsageFailure(
      'the first server founds the mesh, so nobody could have made a token for it',
      'name a server that there is with -join, or leave -token-file away',
    )
}

/** Whatever is wrong is shown before anything is written. */
function checkTogether({ terminal }: Context, kind: HostKind, folder: string, file: SourceFile): void {
  const { files, unreadable } = existsSync(folder)
    ? systemSourceFiles.read([folder])
    : { files: [], unreadable: [] }
  const [first] = unreadable
  if (first !== undefined)
    throw new CommandFailure(`${first.path} cannot be read: ${systemReason(first.message)}`)
  const machine = systemMachine()
  // A trial stays on the loopback, so it does not matter whether other hosts could reach this one.
  const loaded = loadConfiguration(
    [...files, file],
    kind === 'trial' ? { ...machine, privateAddress: '127.0.0.1' } : machine,
  )
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

/** Starts first: the folder of the state, which the enrollment is written to, is made by systemd. */
async function begin(
  context: Context,
  kind: HostKind,
  options: InitOptions & { configDir: string },
): Promise<void> {
  startUnit()
  context.terminal.line('Started: mesh-agent')
  const { tokenFile, configDir } = options
  if (tokenFile === undefined) {
    for (const line of nextSteps(kind, options, configDir))
      if (!line.startsWith('Start')) context.terminal.note(line)
    return
  }
  try {
    const { enroll } = await import('./enroll.ts')
    const { enrollServer } = await import('./enroll-server.ts')
    await (kind === 'host' ? enroll : enrollServer)(context, { tokenFile, configDir })
  } catch (error) {
    const again = `mesh enroll ${kind === 'host' ? '' : '-server '}-token-file ${tokenFile}`
    context.terminal.note(`The configuration is written and mesh-agent runs; what is left to do is: ${again}`)
    throw error
  }
}

function nextSteps(kind: HostKind, { node }: InitOptions, folder: string): readonly string[] {
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
    case 'trial':
      return trialSteps(folder)
  }
}

const trialSteps = (folder: string): readonly string[] => [
  `The mesh:             mesh agent -dev -config-dir ${folder}`,
  'Then, each in a terminal of its own after the line that the mesh shows:',
  `The called service:   mesh sample-service --name backend --listen 127.0.0.1:${trialPorts.backend}`,
  'Allow it:             mesh intention allow web backend',
  `A request:            curl http://127.0.0.1:${trialPorts.upstream}`,
]
