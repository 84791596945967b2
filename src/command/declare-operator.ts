/** `mesh snapshot`, `mesh operator`, `mesh leave`: how they are called. What they do stands in the files of their names. */
import type { Command } from 'commander'
import { contextOf, declare, type SharedOptions, withConnection, withOutput } from './declare.ts'
import type { LeaveOptions } from './leave.ts'
import type { ConfigFlags } from './operator-autopilot.ts'

export function declareOperator(program: Command): void {
  declareSnapshot(program)
  const operator = declare(program, 'operator', 'look after the servers')
  declareRaft(declare(operator, 'raft', 'the servers, their leader, taking one out'))
  withConnection(declare(operator, 'usage', 'count services, instances and nodes')).action(
    async (options: SharedOptions) => {
      const { showUsage } = await import('./usage.ts')
      await showUsage(contextOf(options))
    },
  )
  declareAutopilot(declare(operator, 'autopilot', 'how the servers are, and the rules for that'))
}

export function declareLeave(program: Command): void {
  declare(
    program,
    'leave',
    'take this machine’s server out of its cluster; without one, drain and stop its agent',
  )
    .summary('take this machine out')
    .option('--agent', 'only the agent; a server of this machine keeps its place and goes on')
    .option('--token-file <file>', 'file that holds the operator token')
    .action(async (options: LeaveOptions) => {
      const { leave } = await import('./leave.ts')
      await leave(contextOf(options), options)
    })
}

function declareSnapshot(program: Command): void {
  const snapshot = declare(program, 'snapshot', 'save and restore the cluster')
  const save = declare(snapshot, 'save <file>', 'write the state of the cluster to a file')
  save.option('--stale', 'from any server, also without a leader')
  withConnection(save).action(async (file: string, options: SharedOptions & { readonly stale?: true }) => {
    const { saveSnapshot } = await import('./snapshot.ts')
    await saveSnapshot(contextOf(options), file, options)
  })
  const restore = declare(snapshot, 'restore <file>', 'put a saved state in the place of the present one')
    .option('--cluster-key-file <file>', 'key of the cluster that the file is from; on a server only')
    .addHelpText('after', '\nAll that was written since is gone; hosts register their services again.')
  withConnection(restore).action(
    async (file: string, options: SharedOptions & { readonly clusterKeyFile?: string }) => {
      const { restoreSnapshot } = await import('./snapshot.ts')
      await restoreSnapshot(contextOf(options), file, options)
    },
  )
  withOutput(declare(snapshot, 'inspect <file>', 'check a file and say what is in it')).action(
    async (file: string, options: SharedOptions) => {
      const { inspectSnapshot } = await import('./snapshot.ts')
      await inspectSnapshot(contextOf(options), file)
    },
  )
}

function declareRaft(raft: Command): void {
  const list = declare(raft, 'list-peers', 'list the servers')
  list.option('--stale', 'ask any server, also without a leader')
  withConnection(list).action(async (options: SharedOptions & { readonly stale?: true }) => {
    const { listPeers } = await import('./operator-raft.ts')
    await listPeers(contextOf(options), options)
  })
  const remove = declare(raft, 'remove-peer', 'take a server out of the cluster')
    .option('--id <id>', 'its id')
    .option('--address <address>', 'its address, host:port')
    .addHelpText('after', '\nRefused where too few of the others answer.')
  withConnection(remove).action(
    async (options: SharedOptions & { readonly id?: string; readonly address?: string }) => {
      const { removePeer } = await import('./operator-raft.ts')
      await removePeer(contextOf(options), options)
    },
  )
  const transfer = declare(raft, 'transfer-leader', 'hand leadership to another server')
  transfer.option('--id <id>', 'to this one; default: the one whose log is furthest')
  withConnection(transfer).action(async (options: SharedOptions & { readonly id?: string }) => {
    const { transferLeader } = await import('./operator-raft.ts')
    await transferLeader(contextOf(options), options)
  })
  declareRejoin(raft)
}

function declareRejoin(raft: Command): void {
  declare(raft, 'rejoin', "move this server's damaged log aside, to come back empty")
    .option('--config-dir <folder>', "this host's configuration", '/etc/mesh-agent')
    .addHelpText('after', '\nThe server must be stopped, and the others must be a majority without it.')
    .action(async (options: { readonly configDir: string }) => {
      const { rejoin } = await import('./rejoin.ts')
      await rejoin(contextOf({}), options)
    })
}

function declareAutopilot(autopilot: Command): void {
  withConnection(declare(autopilot, 'state', 'show how the servers are')).action(
    async (options: SharedOptions) => {
      const { showState } = await import('./operator-autopilot.ts')
      await showState(contextOf(options), options)
    },
  )
  withConnection(declare(autopilot, 'get-config', 'show the rules')).action(
    async (options: SharedOptions) => {
      const { showConfig } = await import('./operator-autopilot.ts')
      await showConfig(contextOf(options), options)
    },
  )
  const set = declare(autopilot, 'set-config', 'change the rules; what is not named stays')
    .option('--cleanup-dead-servers <flag>', 'remove servers gone for long: true, false')
    .option('--last-contact-threshold <duration>', 'silence that makes a server unhealthy')
    .option('--max-trailing-logs <number>', 'entries that a healthy server may be behind')
    .option('--min-quorum <number>', 'voters that cleaning up leaves; 0: three')
    .option('--server-stabilization-time <duration>', 'health before a new server may vote')
    .option('--dead-server-last-contact <duration>', 'silence that makes a server gone for good')
  withConnection(set).action(async (options: SharedOptions & ConfigFlags) => {
    const { setConfig } = await import('./operator-autopilot.ts')
    await setConfig(contextOf(options), options)
  })
}
