/**
 * `mesh config`: single config entries, as scripts for Consul call it (`-kind`, `-name`, `-cas`). Whole folders of them are
 * the business of `mesh apply`.
 */
import { readFileSync } from 'node:fs'
import { parseConfigChanges } from '../config/changes.ts'
import { type ConfigEntry, configEntryKinds } from '../model/config-entry.ts'
import type { ConfigEntryJson } from '../wire/http-json/intention.ts'
import { configEntryJson } from '../wire/http-json/intention.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, UsageFailure } from './failure.ts'
import { nearest } from './nearest.ts'

export interface Named {
  readonly kind?: string
  readonly name?: string
}

export interface CasOptions {
  readonly cas?: true
  readonly modifyIndex?: string
}

export async function writeEntry(context: Context, path: string, options: CasOptions): Promise<void> {
  const entry = readEntry(context, path)
  const {
    CreateIndex: _created,
    ModifyIndex: _modified,
    ...body
  } = configEntryJson({
    ...entry,
    createIndex: 0,
    modifyIndex: 0,
  })
  const reply = await context.client().ask('PUT', `/v1/config${casQuery(options)}`, body)
  const what = `${entry.kind}/${entry.name}`
  if (reply.text.trim() !== 'true') throw changedMeanwhile(what, entry, 'written')
  context.terminal.line(`Config entry written: ${what}`)
}

function readEntry({ terminal }: Context, path: string): ConfigEntry {
  const files =
    path === '-' ? [{ path: 'standard-input.hcl', text: readFileSync(0, 'utf8') }] : readSources([path])
  const [file] = files
  if (file === undefined || files.length > 1)
    throw new UsageFailure(`${path} is a folder`, `mesh apply -f ${path}`)
  const parsed = parseConfigChanges(file)
  if (!parsed.ok) throw showMistakes(terminal, parsed.errors)
  const [change] = parsed.value
  if (change?.type !== 'config-entry')
    throw new CommandFailure(`${path} holds no config entry`, { next: `mesh apply -f ${path}` })
  return change.entry
}

export async function readOne({ client, terminal }: Context, named: Named): Promise<void> {
  const { kind, name } = bothOf(named)
  const reply = await client().find(`/v1/config/${kind}/${encodeURIComponent(name)}`)
  if (reply === undefined)
    throw new CommandFailure(`there is no config entry ${kind}/${name}`, {
      next: `mesh config list -kind ${kind}`,
    })
  terminal.line(JSON.stringify(reply.json<ConfigEntryJson>(), null, 2))
}

export async function listEntries({ client, terminal }: Context, named: Named): Promise<void> {
  const kind = kindOf(named)
  const entries = (await client().ask('GET', `/v1/config/${kind}`)).json<readonly ConfigEntryJson[]>()
  terminal.show(entries, () => {
    if (entries.length === 0) terminal.note(`No config entry of kind ${kind}.`)
    for (const entry of entries) terminal.line(entry.Name)
  })
}

export async function deleteEntry(
  { client, terminal }: Context,
  named: Named,
  options: CasOptions,
): Promise<void> {
  const { kind, name } = bothOf(named)
  const path = `/v1/config/${kind}/${encodeURIComponent(name)}`
  const reply = await client().ask('DELETE', path + casQuery(options))
  if (reply.text.trim() === 'false') throw changedMeanwhile(`${kind}/${name}`, { kind, name }, 'deleted')
  terminal.line(`Config entry deleted: ${kind}/${name}`)
}

function casQuery({ cas, modifyIndex }: CasOptions): string {
  if (cas === undefined && modifyIndex === undefined) return ''
  if (cas === undefined || modifyIndex === undefined)
    throw new UsageFailure(
      '-cas and -modify-index go together; the index is the ModifyIndex of the entry',
      'mesh config read -kind KIND -name NAME',
    )
  if (!/^\d{1,20}$/.test(modifyIndex))
    throw new UsageFailure(`-modify-index ${modifyIndex}: write the entry's ModifyIndex, or 0 for a new one`)
  return `?cas=${modifyIndex}`
}

function changedMeanwhile(what: string, { kind, name }: Named, verb: string): CommandFailure {
  return new CommandFailure(`${what} was not last changed at that index; nothing was ${verb}`, {
    next: `mesh config read -kind ${kind} -name ${name}`,
  })
}

function bothOf(named: Named): { readonly kind: string; readonly name: string } {
  const kind = kindOf(named)
  if (named.name === undefined || named.name === '')
    throw new UsageFailure('name the entry with -name', `mesh config list -kind ${kind}`)
  return { kind, name: named.name }
}

function kindOf({ kind }: Named): string {
  if (kind === undefined || kind === '')
    throw new UsageFailure(`name the kind with -kind: ${configEntryKinds.join(', ')}`)
  if (configEntryKinds.some((known) => known === kind)) return kind
  const guess = nearest(kind, configEntryKinds)
  throw new UsageFailure(
    `there is no kind "${kind}"; this version has: ${configEntryKinds.join(', ')}`,
    guess === undefined ? '' : `mesh config list -kind ${guess}`,
  )
}
