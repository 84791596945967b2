/**
 * All manual pages of the package by the name of their file, as text: of each command, of the configuration, of the units,
 * and mesh(1) as the way in. Where they lie in the package is deb/stage.ts's business.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createProgram } from '../../src/command/program.ts'
import { commandItem, commandPages, type Issue, visible } from './commands.ts'
import { configurationPage } from './configuration.ts'
import { subsection } from './roff.ts'

export function manualPages(issue: Issue): ReadonlyMap<string, string> {
  return new Map([
    ...commandPages(issue),
    ['mesh-agent.hcl.5', configurationPage(issue)],
    ...readdirSync(import.meta.dirname)
      .filter((file) => /\.[18]$/.test(file))
      .map((file) => [file, written(file, issue)] as const),
  ])
}

/** A page that is written by hand, with what changes filled in. */
function written(file: string, { date, version }: Issue): string {
  return readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
    .replace('@DATE@', date)
    .replace('@VERSION@', version)
    .replace('@COMMANDS@', commandList)
}

/** Groups as `mesh -help` has them. */
function commandList(): string {
  const program = createProgram({ status: 0 })
  const groups = Map.groupBy(visible(program), (command) => command.helpGroup() || 'Other:')
  return [...groups]
    .map(([title, commands]) => subsection(title.replace(/:$/, ''), commands.map(commandItem)))
    .join('\n')
}
