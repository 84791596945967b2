/** `mesh lock` and `mesh session`: how they are called. What they do is lock.ts and session.ts. */
import type { Command } from 'commander'
import { collect, contextOf, declare, type Outcome, type SharedOptions, withConnection } from './declare.ts'
import type { LockOptions } from './lock.ts'
import type { CreateOptions } from './session.ts'

export function declareLock(program: Command, outcome: Outcome): void {
  // What follows the prefix belongs to the child, flags too.
  program.enablePositionalOptions()
  const lock = declare(program, 'lock <prefix> <command...>', 'run a command while holding a lock')
    .passThroughOptions()
    .option('-n <holders>', 'how many may hold the lock at once', '1')
    .option('--name <text>', 'name of the session')
    .option('--timeout <duration>', 'give up when the lock is not free within it')
    .option('--try <duration>', 'the same')
    .option('--monitor-retry <times>', 'failures of the servers in a row that are borne', '3')
    .option('--child-exit-code', 'exit with 2 when the command failed')
    .option('--pass-stdin', 'the command reads our input')
    .option('--shell <true|false>', 'run the command by /bin/sh', 'true')
    .option('--verbose', 'say when the lock is taken and given back')
  withConnection(lock).action(
    async (prefix: string, command: readonly string[], options: SharedOptions & LockOptions) => {
      const { lock: run } = await import('./lock.ts')
      outcome.status = await run(contextOf(options), { prefix, command: asTyped(command) }, options)
    },
  )
  declareSession(program)
}

/** The child's words as they were typed: those before `--` were given second dashes. They are the end of the line. */
function asTyped(command: readonly string[]): readonly string[] {
  const typed = process.argv.slice(-command.length)
  return typed[0] === '--' ? typed.slice(1) : typed
}

function declareSession(program: Command): void {
  const session = declare(program, 'session', 'sessions, which hold locks')
  const list = declare(session, 'list', 'list sessions').option('--node <node>', 'only those of a node')
  withConnection(list).action(async (options: SharedOptions & { readonly node?: string }) => {
    const { listSessions } = await import('./session.ts')
    await listSessions(contextOf(options), options)
  })
  const create = declare(session, 'create', 'make a session and print its id')
    .option('--name <text>', 'a name for people')
    .option('--node <node>', 'the node it stands for; the agent’s own')
    .option('--ttl <duration>', 'end it when it is not renewed, 10s to 24h')
    .option('--lock-delay <duration>', 'how long locks that it loses stay shut, 15s')
    .option('--behavior <what>', 'what becomes of its keys: release or delete')
    .option('--check <id>', 'end it with this check of the node; may be repeated', collect)
    .option('--service-check <id>', 'the same for a check of a service', collect)
  withConnection(create).action(async (options: SharedOptions & CreateOptions) => {
    const { createSession } = await import('./session.ts')
    await createSession(contextOf(options), options)
  })
  withConnection(declare(session, 'renew <id>', 'give a session its whole time to live again')).action(
    async (id: string, options: SharedOptions) => {
      const { renewSession } = await import('./session.ts')
      await renewSession(contextOf(options), id)
    },
  )
  withConnection(declare(session, 'destroy <id>', 'end a session and free its locks')).action(
    async (id: string, options: SharedOptions) => {
      const { destroySession } = await import('./session.ts')
      await destroySession(contextOf(options), id)
    },
  )
}
