/**
 * Runs one command line. Holds what is true of every command: how flags are read, how a failure is shown and which exit
 * status it gets. Commands are declared in program.ts and imported when they are called.
 */
import { type Command, CommanderError } from 'commander'
import { normaliseArguments } from './arguments.ts'
import { pathOf } from './declare.ts'
import { CommandFailure, exitStatus, UsageFailure } from './failure.ts'
import { createProgram } from './program.ts'

/** Runs one command line; the number is the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  // `mesh services | head`: the reader had enough, which is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitStatus.done)
    throw error
  })
  const outcome: { status: number } = { status: exitStatus.done }
  const program = createProgram(outcome, args[0])
  try {
    await program.parseAsync([...normaliseArguments(args)], { from: 'user' })
    return outcome.status
  } catch (error) {
    return report(error, () => helpOf(program, args))
  }
}

/** The line that shows how the command is called: what helps where a mistake has no better answer. */
function helpOf(program: Command, args: readonly string[]): string {
  let command = program
  for (const word of args) {
    const below = command.commands.find((sub) => sub.name() === word)
    if (below === undefined) break
    command = below
  }
  return `${pathOf(command)} -help`
}

function report(error: unknown, help: () => string): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.usage
  if (error instanceof CommandFailure) {
    process.stderr.write(`mesh: ${error.message}\n`)
    const next = error.next === '' && error instanceof UsageFailure ? help() : error.next
    if (next !== '') process.stderr.write(`Try: ${next}\n`)
    return error.status
  }
  process.stderr.write(`mesh: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return exitStatus.failed
}
