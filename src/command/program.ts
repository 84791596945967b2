/**
 * All commands of `mesh`: names, flags, one line of help each. Bodies are imported when a command is called, so that none
 * pays for another's dependencies.
 */
import { Command } from 'commander'
import {
  collect,
  contextOf,
  declare,
  declareDefault,
  type Outcome,
  type SharedOptions,
  styled,
  withConnection,
} from './declare.ts'
import { declareAgent, declareEvent } from './declare-agent.ts'
import { declareAuthority } from './declare-authority.ts'
import { declareApply, declareConfig } from './declare-config.ts'
import { declareDoctor } from './declare-doctor.ts'
import { declareDrain } from './declare-drain.ts'
import { declareEnrollment, declareNode, declareToken } from './declare-enrollment.ts'
import { declareFederation } from './declare-federation.ts'
import { declareGossip } from './declare-gossip.ts'
import { declareIntentions } from './declare-intention.ts'
import { declareKv } from './declare-kv.ts'
import { declareLock } from './declare-lock.ts'
import { declareCatalog, declareMembers, declareWatch } from './declare-look.ts'
import { declareLeave, declareOperator } from './declare-operator.ts'
import { declareOther } from './declare-other.ts'
import { declarePrograms } from './declare-program.ts'
import { overview } from './overview.ts'
import type { ServiceFlags } from './services-write.ts'
import { version } from './version.ts'

/** They run for months and keep what was made at their start, so for them nothing else is declared. */
const daemons: readonly (string | undefined)[] = ['agent', 'server', 'proxy', 'proxy-worker']

/** `first`: the word behind `mesh`. */
export function createProgram(outcome: Outcome, first?: string): Command {
  const program = styled(new Command('mesh'))
    .usage('<command> [options]')
    .description('A service mesh for virtual machines and bare metal.')
    .version(version, '-v, --version', 'show the version')
    .exitOverride()
  if (daemons.includes(first)) declarePrograms(program, outcome)
  else declareAll(program, outcome)
  return program
}

function declareAll(program: Command, outcome: Outcome): void {
  program.commandsGroup('The mesh:')
  declareIntentions(program, outcome)
  declareMesh(program, outcome)
  declareApply(program, outcome)
  declareConfig(program)
  declareKv(program)
  declareLock(program, outcome)
  declareWatch(program, outcome)
  declareEvent(program)
  declareGossip(program)
  declareOperator(program)
  declareFederation(program)
  declareHost(program, outcome)
  declareLeave(program)
  declarePrograms(program, outcome)
  declareOther(program)
  program.helpCommand('help [command]', 'show help of a command')
  program.configureHelp({ ...program.configureHelp(), formatHelp: () => overview(program) })
}

function declareHost(program: Command, outcome: Outcome): void {
  program.commandsGroup('This host:')
  declare(program, 'validate <path...>', 'check configuration files and folders without loading them')
    .summary('check configuration files')
    .action(async (paths: readonly string[]) => {
      const { validate } = await import('./validate.ts')
      validate(contextOf({}), paths)
    })
  declareDoctor(program, outcome)
  withConnection(declare(program, 'reload', 'make the agent read its files again')).action(
    async (options: SharedOptions) => {
      const { reload } = await import('./reload.ts')
      await reload(contextOf(options))
    },
  )
  declareEnrollment(program)
  declareAgent(program)
}

function declareMesh(program: Command, outcome: Outcome): void {
  declareServices(program, outcome)
  declareMembers(program)
  declareCatalog(program)
  const status = declare(program, 'status', 'show this host, the servers, and what is wrong').summary(
    'this host, the servers, the faults',
  )
  status.option('--leader', 'only the address of the leader; fails without one')
  withConnection(status).action(async (options: SharedOptions & { readonly leader?: true }) => {
    const { showStatus } = await import('./status.ts')
    await showStatus(contextOf(options), options)
  })
  declareAuthority(program)
  declareToken(program)
  declareNode(program)
}

function declareServices(program: Command, outcome: Outcome): void {
  const services = declare(
    program,
    'services',
    'list services with their health; register, deregister, drain',
  ).summary('services and their health')
  const list = declareDefault(services, 'list [name]', 'list services, or the instances of one')
  list.option('--all', 'show sidecar proxies too')
  withConnection(list).action(
    async (name: string | undefined, options: SharedOptions & { readonly all?: true }) => {
      const { listServices } = await import('./services.ts')
      await listServices(contextOf(options), name, options)
    },
  )
  const register = declare(
    services,
    'register [file...]',
    'register services at the agent, of files or of flags',
  )
    .option('--name <name>', 'without a file: name of the service')
    .option('--id <id>', 'its id (default: its name)')
    .option('--port <port>', 'where it listens')
    .option('--address <address>', 'where it is reached (default: that of this host)')
    .option('--tag <tag>', 'may be repeated', collect)
    .option('--meta <key=value>', 'may be repeated', collect)
  withConnection(register).action(async (files: readonly string[], options: SharedOptions & ServiceFlags) => {
    const { registerServices } = await import('./services-write.ts')
    await registerServices(contextOf(options), files, options)
  })
  withConnection(declare(services, 'deregister <id...>', 'remove services from the agent')).action(
    async (ids: readonly string[], options: SharedOptions) => {
      const { deregisterServices } = await import('./services-write.ts')
      await deregisterServices(contextOf(options), ids)
    },
  )
  declareDrain(services, outcome)
}
