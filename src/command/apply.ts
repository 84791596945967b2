/**
 * `mesh apply -f FILE`: brings intentions and config entries to what files say, one line per change. Compares first and
 * writes only differences, each on condition that nobody changed the thing in between. What it writes it marks as its own
 * (apply-owned.ts), so that `-prune` can remove what the files no longer have.
 */
import { type ConfigChange, parseConfigChanges } from '../config/changes.ts'
import { ownedElsewhere, ownerRule } from './apply-owned.ts'
import { type Effect, planChange, type Step } from './apply-step.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { exitStatus, UsageFailure } from './failure.ts'

export interface ApplyOptions {
  readonly file: readonly string[]
  readonly dryRun?: true
  readonly plan?: true
  readonly prune?: true
  readonly owner: string
}

const rehearsed: Readonly<Record<Effect, string>> = {
  created: 'would create',
  changed: 'would change',
  deleted: 'would delete',
  unchanged: 'unchanged',
}

/** The exit status: with `-plan` 2 where something would change. */
export async function apply(context: Context, options: ApplyOptions): Promise<number> {
  if (!ownerRule.test(options.owner))
    throw new UsageFailure(`-owner ${options.owner}: use letters, digits, - and _, at most 64`)
  const changes = readChanges(context, options.file)
  if (options.plan === true) return showPlan(context, await planAll(context, changes, options))
  const { terminal } = context
  const done: { what: string; effect: Effect }[] = []
  for await (const step of steps(context, changes, options)) {
    if (options.dryRun === undefined && step.effect !== 'unchanged') await step.write()
    done.push({ what: step.what, effect: step.effect })
    if (terminal.form === 'table') {
      const word = options.dryRun === undefined ? step.effect : rehearsed[step.effect]
      terminal.line(`${word.padEnd(options.dryRun === undefined ? 10 : 13)} ${step.what}`)
    }
  }
  if (terminal.form === 'json') terminal.line(JSON.stringify(done, null, 2))
  return exitStatus.done
}

/** All files are read before anything is written: a mistake in the last one must not leave half a change. */
function readChanges(context: Context, paths: readonly string[]): readonly ConfigChange[] {
  const changes: ConfigChange[] = []
  const mistakes = readSources(paths).flatMap((file) => {
    const parsed = parseConfigChanges(file)
    if (parsed.ok) changes.push(...parsed.value)
    return parsed.ok ? [] : parsed.errors
  })
  if (mistakes.length > 0) throw showMistakes(context.terminal, mistakes)
  return changes
}

/** What the files ask for comes first: a rule must not be missing between its old form and its new one. */
async function* steps(
  { client }: Context,
  changes: readonly ConfigChange[],
  { owner, prune }: ApplyOptions,
): AsyncGenerator<Step> {
  for (const change of changes) yield await planChange(client(), change, owner)
  if (prune === true) yield* await ownedElsewhere(client(), changes, owner)
}

async function planAll(
  context: Context,
  changes: readonly ConfigChange[],
  options: ApplyOptions,
): Promise<readonly Step[]> {
  const all: Step[] = []
  for await (const step of steps(context, changes, options)) all.push(step)
  return all
}

const signs: Readonly<Record<Effect, string>> = { created: '+', changed: '~', deleted: '-', unchanged: ' ' }

function showPlan({ terminal }: Context, all: readonly Step[]): number {
  const changing = all.filter((step) => step.effect !== 'unchanged')
  const facts = all.map(({ what, effect, differences }) => ({ what, effect, differences }))
  terminal.show(facts, () => {
    for (const step of changing) {
      terminal.line(`${signs[step.effect]} ${step.what}`)
      for (const { field, before, after } of step.differences)
        terminal.line(`    ${field}: ${before} -> ${after}`)
    }
    const count = (effect: Effect): number => all.filter((step) => step.effect === effect).length
    terminal.line(
      `Plan: ${count('created')} to create, ${count('changed')} to change, ${count('deleted')} to delete, ${count('unchanged')} unchanged`,
    )
  })
  return changing.length === 0 ? exitStatus.done : exitStatus.planned
}
