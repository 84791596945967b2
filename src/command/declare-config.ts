/** `mesh apply` and `mesh config`: writing cluster-wide rules from files. */
import type { Command } from 'commander'
import type { ApplyOptions } from './apply.ts'
import type { CasOptions, Named } from './config-entry.ts'
import { contextOf, declare, type Outcome, type SharedOptions, withConnection } from './declare.ts'

export function declareApply(program: Command, outcome: Outcome): void {
  const apply = declare(program, 'apply', 'bring rules to what files say')
    .requiredOption('-f, --file <path...>', 'HCL or JSON file, or a folder of them')
    .option('--plan', 'show the differences and change nothing; exit status 2: there are some')
    .option('--dry-run', 'say what would change and change nothing; exit status 0')
    .option('--prune', 'delete what an earlier apply wrote and the files no longer have')
    .option('--owner <name>', 'whose things these are; -prune deletes no others', 'apply')
    .addHelpText('after', '\nExample: mesh apply -f rules/ -plan -prune && echo nothing to do')
  withConnection(apply).action(async (options: SharedOptions & ApplyOptions) => {
    const { apply: applyFiles } = await import('./apply.ts')
    outcome.status = await applyFiles(contextOf(options), options)
  })
}

export function declareConfig(program: Command): void {
  const config = declare(program, 'config', 'single config entries')
  withCas(declare(config, 'write <file>', 'write the entry of a file; - reads standard input')).action(
    async (file: string, options: SharedOptions & CasOptions) => {
      const { writeEntry } = await import('./config-entry.ts')
      await writeEntry(contextOf(options), file, options)
    },
  )
  withConnection(withName(declare(config, 'read', 'print an entry as JSON'))).action(
    async (options: SharedOptions & Named) => {
      const { readOne } = await import('./config-entry.ts')
      await readOne(contextOf(options), options)
    },
  )
  withConnection(
    declare(config, 'list', 'list the names of the entries of a kind').option(
      '--kind <kind>',
      'such as service-intentions',
    ),
  ).action(async (options: SharedOptions & Named) => {
    const { listEntries } = await import('./config-entry.ts')
    await listEntries(contextOf(options), options)
  })
  withCas(withName(declare(config, 'delete', 'delete an entry'))).action(
    async (options: SharedOptions & Named & CasOptions) => {
      const { deleteEntry } = await import('./config-entry.ts')
      await deleteEntry(contextOf(options), options, options)
    },
  )
}

const withName = (command: Command): Command =>
  command.option('--kind <kind>', 'such as service-intentions').option('--name <name>', 'its name')

const withCas = (command: Command): Command =>
  withConnection(
    command
      .option('--cas', 'only if it was last changed at -modify-index')
      .option('--modify-index <index>', 'as `mesh config read` shows it; 0: only if it is new'),
  )
