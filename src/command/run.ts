/**
 * Runs one command line. Holds what is true of every command: how flags are read, how a failure is shown and which exit
 * status it gets. Commands are declared in program.ts and imported when they are called.
 */
import { CommanderError } from 'commander'
import { normaliseArguments } from './arguments.ts'
import { CommandFailure, exitStatus } from './failure.ts'
import { createProgram } from './program.ts'

/** Runs one command line; the number is the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  // `mesh services | head`: the reader had enough, which is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitStatus.done)
    throw error
  })
  const outcome: { status: number } = { status: exitStatus.done }
  try {
    await createProgram(outcome).parseAsync([...normaliseArguments(args)], { from: 'user' })
    return outcome.status
  } catch (error) {
    return report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.usage
  if (error instanceof CommandFailure) {
    process.stderr.write(`mesh: ${error.message}\n`)
    if (error.next !== '') process.stderr.write(`Try: ${error.next}\n`)
    return error.status
  }
  process.stderr.write(`mesh: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return exitStatus.failed
}
