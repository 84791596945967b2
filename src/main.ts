/** Picks a program or a command. Everything else is imported lazily, so that a command starts in tens of milliseconds. */
const { run } = await import('./command/run.ts')
process.exitCode = await run(process.argv.slice(2))
