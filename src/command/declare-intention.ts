/** The `mesh intention` commands. */
import type { Command } from 'commander'
import { contextOf, declare, type Outcome, type SharedOptions, withConnection } from './declare.ts'
import { exitStatus } from './failure.ts'
import type { CreateOptions, MatchOptions } from './intention-write.ts'

interface WriteOptions extends SharedOptions {
  readonly description?: string
  readonly wait: string
}

export function declareIntentions(program: Command, outcome: Outcome): void {
  const intention = declare(program, 'intention', 'say who may call whom')
  for (const action of ['allow', 'deny'] as const) {
    const command = declare(
      intention,
      `${action} <source> <destination>`,
      `${action} calls from source to destination; * stands for any`,
    ).option('--description <text>', 'kept with the intention')
    withWait(command).action(async (source: string, destination: string, options: WriteOptions) => {
      const { setIntention } = await import('./intention.ts')
      const enforced = await setIntention(contextOf(options), { source, destination, action }, options)
      if (!enforced) outcome.status = exitStatus.failed
    })
  }
  withWait(declare(intention, 'delete <source> <destination>', 'remove an intention')).action(
    async (source: string, destination: string, options: WriteOptions) => {
      const { deleteIntention } = await import('./intention.ts')
      const enforced = await deleteIntention(contextOf(options), { source, destination }, options)
      if (!enforced) outcome.status = exitStatus.failed
    },
  )
  declareConsulForms(intention, outcome)
  withConnection(declare(intention, 'list', 'list all intentions, strongest first')).action(
    async (options: SharedOptions) => {
      const { listIntentions } = await import('./intention-read.ts')
      await listIntentions(contextOf(options))
    },
  )
  withConnection(declare(intention, 'get <source> <destination>', 'show one intention')).action(
    async (source: string, destination: string, options: SharedOptions) => {
      const { getIntention } = await import('./intention-read.ts')
      await getIntention(contextOf(options), { source, destination })
    },
  )
  const check = declare(intention, 'check <source> <destination>', 'say whether a call is allowed, and why')
  withConnection(check)
    .addHelpText('after', '\nExit status: 0 allowed, 1 denied.')
    .action(async (source: string, destination: string, options: SharedOptions) => {
      const { checkIntention } = await import('./intention-read.ts')
      const allowed = await checkIntention(contextOf(options), { source, destination })
      if (!allowed) outcome.status = exitStatus.failed
    })
}

/** As scripts for Consul call them. */
function declareConsulForms(intention: Command, outcome: Outcome): void {
  const create = declare(intention, 'create <names...>', 'write intentions, of names or of files')
    .option('--allow', 'allow (default)')
    .option('--deny', 'deny')
    .option('--file', 'the names are files')
    .option('--replace', 'also where there is one already')
    .option('--description <text>', 'kept with the intention')
  withWait(create).action(async (names: readonly string[], options: SharedOptions & CreateOptions) => {
    const { createIntentions } = await import('./intention-write.ts')
    const enforced = await createIntentions(contextOf(options), names, options)
    if (!enforced) outcome.status = exitStatus.failed
  })
  const match = declare(intention, 'match <name>', 'list the intentions that decide about a service')
    .option('--destination', 'as the one that is called (default)')
    .option('--source', 'as the caller')
  withConnection(match).action(async (name: string, options: SharedOptions & MatchOptions) => {
    const { matchIntentions } = await import('./intention-write.ts')
    await matchIntentions(contextOf(options), name, options)
  })
}

function withWait(command: Command): Command {
  return withConnection(
    command
      .option('--wait <duration>', 'how long to wait until proxies enforce it', '5s')
      .addHelpText(
        'after',
        '\nExit status: 0 enforced, 1 refused, or written but not enforced everywhere in time.',
      ),
  )
}
