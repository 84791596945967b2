/**
 * The files of one host as its configuration. Each file is read by itself, so that every mistake of every file is told;
 * then their keys are joined in the order of their names, as Consul joins them, and what they define together is checked.
 */
import { dialectOf, parseText } from '../wire/hcl/parse.ts'
import type { ObjectValue, Place, Problem } from '../wire/hcl/tree.ts'
import { joinHostPort } from './address.ts'
import { buildSettings } from './agent.ts'
import { type AgentKeys, agentSchema } from './agent-schema.ts'
import { checkIds, checkListeners, checkOwners, type DefinitionDrafts, type Listener } from './conflicts.ts'
import { Reading } from './reading.ts'
import { canonical, joinGiven, readGiven } from './schema.ts'
import type { Configuration, Loaded, Machine, Settings, SourceFile } from './settings.ts'

/** Reads the files of one host. All of them, or none: one mistake anywhere and nothing is loaded. */
export function loadConfiguration(files: readonly SourceFile[], machine: Machine): Loaded<Configuration> {
  const ordered = files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const problems: Problem[] = []
  const parts = ordered.flatMap((file) => readFile(file, problems) ?? [])
  const reading = new Reading('file', 'hcl')
  const home: Place = { path: ordered[0]?.path ?? 'configuration', line: 1, column: 1 }
  const keys = joinGiven(agentSchema, parts)
  const drafts: DefinitionDrafts = {
    services: [...(keys.service?.value ?? []), ...(keys.services?.value ?? [])],
    checks: [...(keys.check?.value ?? []), ...(keys.checks?.value ?? [])],
  }
  const isWhole = problems.length === 0
  const settings = buildSettings(keys, machine, home, isWhole ? reading : new Reading('file', 'hcl'))
  checkIds(drafts, reading)
  checkListeners(drafts.services, ownListeners(settings, keys), settings.bindAddress, reading)
  if (isWhole) checkOwners(drafts, reading)
  if (isWhole) checkScripts(drafts, settings, reading)
  const errors = [...problems, ...reading.problems()]
  if (errors.length > 0) return { ok: false, errors }
  return {
    ok: true,
    value: {
      settings,
      definitions: {
        services: drafts.services.map((draft) => draft.definition),
        checks: drafts.checks.map((draft) => draft.definition),
      },
    },
  }
}

/** The keys of one file; what is wrong with it is added to `problems`. */
function readFile(file: SourceFile, problems: Problem[]): AgentKeys | undefined {
  const dialect = dialectOf(file.path, file.text)
  const parsed = parseText(file.path, file.text, dialect)
  if (!parsed.ok) {
    problems.push(...parsed.problems)
    return undefined
  }
  const reading = new Reading('file', dialect)
  const { value } = parsed
  const isForeign = reportClusterState(value, reading)
  const keys = isForeign
    ? undefined
    : readGiven(agentSchema, { name: 'file', item: 0, at: value.at, value }, reading)
  problems.push(...reading.problems())
  return keys
}

/** Rules of who may call whom are cluster state; one error says so, whatever else such a file holds. */
function reportClusterState(file: ObjectValue, reading: Reading): boolean {
  const member = file.members.find(({ key }) => /^(intentions?|kind)$/.test(canonical(key)))
  if (member === undefined) return false
  const isEntry = canonical(member.key) === 'kind'
  reading.report(member.keyAt, {
    what: `${isEntry ? 'a config entry' : 'an intention'} stands among the files of a host`,
    why: 'it is state of the whole cluster, which no single host may own',
    remedy: 'move it to a file of its own elsewhere and run `mesh apply -f FILE`',
  })
  return true
}

function checkScripts({ services, checks }: DefinitionDrafts, settings: Settings, reading: Reading): void {
  if (settings.enableScriptChecks || settings.enableLocalScriptChecks) return
  for (const { scriptAt } of [...services.flatMap((draft) => draft.checks), ...checks])
    if (scriptAt !== undefined)
      reading.report(scriptAt, {
        what: 'a check runs a program',
        why: 'script checks are off unless the configuration allows them',
        remedy: 'add `enable_local_script_checks = true` at the top of a file, or use another kind of check',
      })
}

const nowhere: Place = { path: '', line: 0, column: 0 }

/** Ports that the programs themselves open. */
function ownListeners(
  { ports, clientAddresses, dnsAddresses, server, bindAddress }: Settings,
  keys: AgentKeys,
): readonly Listener[] {
  const given = keys.ports?.value
  const http = clientAddresses.map((address) => ({
    address,
    port: ports.http,
    owner: `the agent’s HTTP API (${joinHostPort(address, ports.http)})`,
    at: given?.http?.at ?? nowhere,
  }))
  const dns = dnsAddresses.map((address) => ({
    address,
    port: ports.dns,
    owner: `the agent’s DNS (${joinHostPort(address, ports.dns)})`,
    at: given?.dns?.at ?? nowhere,
  }))
  const rpc = {
    address: bindAddress,
    port: ports.server,
    owner: 'the server',
    at: given?.server?.at ?? nowhere,
  }
  return [...http, ...dns, ...(server ? [rpc] : [])].filter((listener) => listener.port > 0)
}
