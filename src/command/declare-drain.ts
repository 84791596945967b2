/** The `mesh services drain` command. */
import type { Command } from 'commander'
import { contextOf, declare, type Outcome, type SharedOptions, withConnection } from './declare.ts'
import type { DrainOptions } from './drain.ts'
import { exitStatus } from './failure.ts'

export function declareDrain(services: Command, outcome: Outcome): void {
  const drain = declare(
    services,
    'drain [name]',
    'take instances of this host out of use, failing no request',
  )
    .option('--timeout <duration>', 'how long open connections may live (default: 30s)')
    .option('--reason <text>', 'shown to whoever asks why it is out')
    .option('--host', 'all services of this host')
    .option('--undo', 'put it back into use')
    .addHelpText('after', '\nExit status: 0 drained, 1 refused, or connections had to be cut.')
  withConnection(drain).action(async (name: string | undefined, options: SharedOptions & DrainOptions) => {
    const { drainServices } = await import('./drain.ts')
    if (!(await drainServices(contextOf(options), name, options))) outcome.status = exitStatus.failed
  })
}
