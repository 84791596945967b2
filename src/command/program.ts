/**
 * All commands of `mesh`: names, flags, one line of help each. Bodies are imported when a command is called, so that none
 * pays for another's dependencies.
 */
import { Command } from 'commander'
import {
  contextOf,
  declare,
  declareDefault,
  type Outcome,
  type SharedOptions,
  styled,
  withConnection,
  withOutput,
} from './declare.ts'
import { declareEnrollment, declareToken } from './declare-enrollment.ts'
import { declareIntentions } from './declare-intention.ts'
import { declareKv } from './declare-kv.ts'
import { declareLeave, declareOperator } from './declare-operator.ts'
import { declarePrograms } from './declare-program.ts'
import { showVersion, version } from './version.ts'

export function createProgram(outcome: Outcome): Command {
  const program = styled(new Command('mesh'))
    .usage('<command> [options]')
    .description('A service mesh for virtual machines and bare metal.')
    .version(version, '-v, --version', 'show the version')
    .exitOverride()
  program.commandsGroup('The mesh:')
  declareIntentions(program, outcome)
  declareMesh(program)
  declareKv(program)
  declareOperator(program)
  declareHost(program)
  declareLeave(program)
  declarePrograms(program, outcome)
  declareOther(program)
  program.helpCommand('help [command]', 'show help of a command')
  program.addHelpText(
    'after',
    '\nConnection: -http-addr, -token-file, or MESH_HTTP_ADDR, MESH_TOKEN_FILE, MESH_TOKEN.',
  )
  return program
}

function declareHost(program: Command): void {
  program.commandsGroup('This host:')
  declare(program, 'validate <path...>', 'check configuration files and folders without loading them').action(
    async (paths: readonly string[]) => {
      const { validate } = await import('./validate.ts')
      validate(contextOf({}), paths)
    },
  )
  withConnection(declare(program, 'reload', 'make the agent read its configuration again')).action(
    async (options: SharedOptions) => {
      const { reload } = await import('./reload.ts')
      await reload(contextOf(options))
    },
  )
  declareEnrollment(program)
}

function declareMesh(program: Command): void {
  declareServices(program)
  withConnection(declare(program, 'members', 'list the hosts of the mesh')).action(
    async (options: SharedOptions) => {
      const { listMembers } = await import('./members.ts')
      await listMembers(contextOf(options))
    },
  )
  const status = declare(program, 'status', 'show the servers and their leader')
  status.option('--leader', 'only the address of the leader; fails without one')
  withConnection(status).action(async (options: SharedOptions & { readonly leader?: true }) => {
    const { showStatus } = await import('./status.ts')
    await showStatus(contextOf(options), options)
  })
  const authority = declare(program, 'ca', 'show the certificate authority')
  const roots = declareDefault(authority, 'roots', 'list the roots that services trust')
  roots.option('--pem', 'print the certificates themselves')
  withConnection(roots).action(async (options: SharedOptions & { readonly pem?: true }) => {
    const { listRoots } = await import('./authority.ts')
    await listRoots(contextOf(options), options)
  })
  declareToken(program)
  const apply = declare(program, 'apply', 'write intentions and config entries from files')
    .requiredOption('-f, --file <path...>', 'HCL or JSON file, or a folder of them')
    .option('--dry-run', 'say what would change and change nothing')
  withConnection(apply).action(
    async (options: SharedOptions & { readonly file: readonly string[]; readonly dryRun?: true }) => {
      const { apply: applyFiles } = await import('./apply.ts')
      await applyFiles(contextOf(options), options)
    },
  )
}

function declareServices(program: Command): void {
  const services = declare(program, 'services', 'list services with their health; register, deregister')
  const list = declareDefault(services, 'list [name]', 'list services, or the instances of one')
  list.option('--all', 'show sidecar proxies too')
  withConnection(list).action(
    async (name: string | undefined, options: SharedOptions & { readonly all?: true }) => {
      const { listServices } = await import('./services.ts')
      await listServices(contextOf(options), name, options)
    },
  )
  withConnection(
    declare(services, 'register <file...>', 'register the services of files at the agent'),
  ).action(async (files: readonly string[], options: SharedOptions) => {
    const { registerServices } = await import('./services-write.ts')
    await registerServices(contextOf(options), files)
  })
  withConnection(declare(services, 'deregister <id...>', 'remove services from the agent')).action(
    async (ids: readonly string[], options: SharedOptions) => {
      const { deregisterServices } = await import('./services-write.ts')
      await deregisterServices(contextOf(options), ids)
    },
  )
}

function declareOther(program: Command): void {
  program.commandsGroup('Other:')
  withOutput(declare(program, 'explain [code]', 'say what an error or refusal code means')).action(
    async (code: string | undefined, options: SharedOptions) => {
      const { explain } = await import('./explain.ts')
      explain(contextOf(options), code)
    },
  )
  withOutput(declare(program, 'version', 'show the version')).action((options: SharedOptions) => {
    showVersion(contextOf(options))
  })
}
