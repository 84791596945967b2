/** The commands by which hosts and servers come into a mesh: first configuration, tokens, enrollment. */
import type { Command } from 'commander'
import { collect, contextOf, declare, type SharedOptions, withConnection } from './declare.ts'
import type { InitOptions } from './init.ts'

interface EnrollFlags {
  readonly tokenFile?: string
  readonly configDir: string
  readonly server?: true
}

export function declareEnrollment(program: Command): void {
  declare(program, 'init', 'write the first configuration of this host')
    .summary('write a first configuration')
    .option('--server', 'a server: the first of a new mesh, or with -join a further one')
    .option('--agent', 'a host without a server')
    .option('--dev', 'two services for `mesh agent -dev`, to try the mesh on this machine')
    .option('--start', 'start it, too')
    .option('--token-file <file>', 'start it and let it in with this token')
    .option('--join <host>', 'a server that there is already; may be repeated', collect)
    .option('--node <name>', 'name of this host in the mesh (default: the host name)')
    .option('--address <address>', 'where other hosts reach this one')
    .option('--datacenter <name>', 'name of the datacenter (default: dc1)')
    .option('--config-dir <folder>', 'where to write (default: /etc/mesh-agent, with -dev mesh-dev)')
    .addHelpText(
      'after',
      '\nExamples:\n  mesh init -server -start\n  mesh init -server -join 10.0.0.1 -token-file s2.token\n  mesh init -agent -token-file web-1.token',
    )
    .action(async (options: InitOptions) => {
      const { init } = await import('./init.ts')
      await init(contextOf({}), options)
    })
  declare(program, 'enroll', 'let this host in with a token from standard input')
    .summary('let this host in with a token')
    .option('--server', 'let its server into the cluster instead')
    .option('--token-file <file>', 'read the token from a file instead')
    .option('--config-dir <folder>', "this host's configuration", '/etc/mesh-agent')
    .addHelpText(
      'after',
      '\nExample: mesh enroll < token\nA token is made with `mesh token create`, for a server with `mesh token create -server`.',
    )
    .action(async ({ server, ...options }: EnrollFlags) => {
      if (server === true) {
        const { enrollServer } = await import('./enroll-server.ts')
        await enrollServer(contextOf({}), options)
        return
      }
      const { enroll } = await import('./enroll.ts')
      await enroll(contextOf({}), options)
    })
}

interface TokenFlags extends SharedOptions {
  readonly node?: string
  readonly service?: string
  readonly server?: true
  readonly ttl: string
  readonly quiet?: true
}

export function declareToken(program: Command): void {
  const token = declare(program, 'token', 'make enrollment tokens')
  const create = declare(token, 'create', 'make a token that lets one host in, once')
    .option('--node <name>', 'only a host of this name may use it')
    .option(
      '--service <names>',
      'what the host may be: names with commas between, * for any (default: nothing)',
    )
    .option('--server', 'for a further server of the cluster instead')
    .option('--ttl <duration>', 'how long it is good', '24h')
    .option('-q, --quiet', 'print the token alone')
    .addHelpText('after', '\nExample: mesh token create -node web-1 -service web,api -q > token')
  withConnection(create).action(async (options: TokenFlags) => {
    const { createToken } = await import('./token.ts')
    await createToken(contextOf(options), options)
  })
}

export function declareNode(program: Command): void {
  const node = declare(program, 'node', 'shut a host out of the mesh')
  const evict = declare(
    node,
    'evict <name>',
    'refuse a host from now on, on open connections too',
  ).addHelpText(
    'after',
    '\nIts key, its certificates and what it registered; the gossip key is changed.\nA new token lets it back in.',
  )
  withConnection(evict).action(async (name: string, options: SharedOptions) => {
    const { evictNode } = await import('./evict.ts')
    await evictNode(contextOf(options), name, options)
  })
}
