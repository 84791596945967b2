/**
 * Picks a program or a command. Everything else is imported lazily, so that a command starts in tens of milliseconds.
 * Ends the process when the command is done: what a program that refused to start has opened must not keep it alive.
 */
const { run } = await import('./command/run.ts')
process.exit(await run(process.argv.slice(2)))
