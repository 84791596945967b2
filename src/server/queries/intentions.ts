/** Queries about intentions and the config entries that hold them. Lists come in order of precedence. */
import { decide, type Intention, wildcard } from '../../model/intention.ts'
import type { Queries } from '../../model/query.ts'
import { defaultActionOf, touchedBy } from '../events/contents.ts'
import { destinationRow, entryRow, type Touched, tableRow } from '../store/indexes.ts'
import type { Row } from '../store/row.ts'
import type { View } from '../store/view.ts'
import { collect, type Plan, type Reading, single } from './plan.ts'

type Answer<Name extends keyof Queries> = Queries[Name]['answer']
type Args<Name extends keyof Queries> = Queries[Name]['args']

export function planIntentions(view: View): Plan<Answer<'intentions.list'>> {
  const touched = [tableRow('intentions')]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => collect(view.eachIntention(), () => true),
  }
}

export function planIntention(
  view: View,
  { source, destination }: Args<'intentions.exact'>,
): Plan<Answer<'intentions.exact'>> {
  const touched = [destinationRow(destination)]
  const row = view.intention(source, destination)
  return {
    index: view.indexOf(touched),
    touched,
    exists: row !== undefined,
    read: () => single(row ?? null),
  }
}

export function planMatch(
  view: View,
  { by, names }: Args<'intentions.match'>,
): Plan<Answer<'intentions.match'>> {
  const touched: readonly Touched[] =
    by === 'source' ? [tableRow('intentions')] : [wildcard, ...names].map(destinationRow)
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => readMatches(view, by, names),
  }
}

function* readMatches(
  view: View,
  by: 'source' | 'destination',
  names: readonly string[],
): Reading<Answer<'intentions.match'>> {
  const matches: [string, readonly Row<Intention>[]][] = []
  for (const name of new Set(names)) {
    const rows = by === 'source' ? view.intentionsFrom(name) : view.intentionsTo(name)
    matches.push([name, yield* collect(rows, () => true)])
  }
  return Object.fromEntries(matches)
}

export function planCheck(
  view: View,
  { source, destination }: Args<'intentions.check'>,
): Plan<Answer<'intentions.check'>> {
  const touched = touchedBy({ topic: 'intentions', key: destination })
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => single(decide(view.rulesFor(destination), source, destination, defaultActionOf(view))),
  }
}

export function planEntry(view: View, { kind, name }: Args<'config.get'>): Plan<Answer<'config.get'>> {
  const touched = [entryRow(kind, name)]
  const row = view.configEntry(kind, name)
  return {
    index: view.indexOf(touched),
    touched,
    exists: row !== undefined,
    read: () => single(row ?? null),
  }
}

export function planEntries(view: View, { kind }: Args<'config.list'>): Plan<Answer<'config.list'>> {
  const touched = [tableRow('entries')]
  return {
    index: view.indexOf(touched),
    touched,
    exists: true,
    read: () => collect(view.configEntries(kind), () => true),
  }
}
