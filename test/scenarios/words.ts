// How messages, entries and changes of one server read in a story. `4/2` is the entry at index 4 of term 2.
import { type ClusterConfiguration, votersOf } from '../../src/model/cluster.ts'
import type { LogIndex, NodeId, Term } from '../../src/model/ids.ts'
import type { Entry, LogPosition } from '../../src/model/log-entry.ts'
import type { RaftMessage } from '../../src/model/raft-message.ts'
import { decodeConfiguration } from '../../src/raft/configurations.ts'
import type { Effects } from '../../src/raft/effects.ts'
import type { Raft } from '../../src/raft/raft.ts'

const decoder = new TextDecoder()
const kibibyte = 1_024

/** `a=40KiB` stands for a command of that size. */
export function commandBytes(text: string): Uint8Array {
  const size = Number(/(\d+)KiB$/.exec(text)?.[1] ?? 0) * kibibyte
  const words = new TextEncoder().encode(text)
  const bytes = new Uint8Array(Math.max(size, words.length))
  bytes.set(words)
  return bytes
}

export const commandText = (bytes: Uint8Array): string => decoder.decode(bytes).replace(/\0+$/, '')

export const position = ({ index, term }: LogPosition): string => `${index}/${term}`

const kib = (bytes: number): string => `${Math.ceil(bytes / kibibyte)}`

export function serversText(configuration: ClusterConfiguration): string {
  const learners = configuration.servers.filter(({ suffrage }) => suffrage === 'learner').map(({ id }) => id)
  const voters = votersOf(configuration).join(' ')
  return learners.length === 0 ? `voters ${voters}` : `voters ${voters}, learners ${learners.join(' ')}`
}

export function entryText(entry: Entry): string {
  if (entry.kind === 'command') return `${position(entry)} ${commandText(entry.data)}`
  if (entry.kind === 'barrier') return `${position(entry)} barrier`
  const decoded = decodeConfiguration(entry.data)
  return `${position(entry)} ${decoded.ok ? serversText(decoded.value) : 'servers that cannot be read'}`
}

/** A stretch of log is told by its ends. */
function entriesText(entries: readonly Entry[]): string {
  const [first, last] = [entries[0], entries[entries.length - 1]]
  if (first === undefined || last === undefined || entries.length <= 6)
    return entries.map(entryText).join(', ')
  return `${entryText(first)} .. ${entryText(last)}`
}

const answer = (granted: boolean): string => (granted ? 'granted' : 'refused')

export function messageText(message: RaftMessage): string {
  const head = `${message.type} term=${message.term}`
  switch (message.type) {
    case 'pre-vote':
      return `${head} last=${position(message.last)}`
    case 'vote':
      return `${head} last=${position(message.last)}${message.transfer ? ' transfer' : ''}`
    case 'pre-vote-response':
    case 'vote-response':
      return `${head} ${answer(message.granted)}`
    case 'append': {
      const { previous, entries, commit } = message
      return `${head} prev=${position(previous)} entries=[${entriesText(entries)}] commit=${commit}`
    }
    case 'append-accepted':
      return `${head} match=${message.match}`
    case 'append-rejected':
      return `${head} prev=${message.previous} hint=${position(message.hint)}`
    case 'heartbeat':
      return `${head} round=${message.round} commit=${message.commit}`
    case 'heartbeat-response':
      return `${head} round=${message.round}`
    case 'newer-term':
    case 'timeout-now':
      return head
    case 'read':
      return `${head} request=${message.request}`
    case 'read-response':
      return `${head} request=${message.request} index=${message.index}`
    case 'snapshot-chunk': {
      const { last, offset, data, fileBytes } = message
      return `${head} last=${position(last)} ${kib(offset)}-${kib(offset + data.length)} of ${kib(fileBytes)} KiB`
    }
    case 'snapshot-received':
      return `${head} index=${message.index} has ${kib(message.offset)} KiB`
  }
}

export interface Look {
  readonly role: Raft['role']
  readonly term: Term
  readonly leader: NodeId | undefined
  readonly committed: LogIndex
  readonly configuration: ClusterConfiguration
}

export const lookAt = (raft: Raft): Look => ({
  role: raft.role,
  term: raft.term,
  leader: raft.leader,
  committed: raft.committed,
  configuration: raft.configuration.configuration,
})

/** What one step did to one server, without what it sends. */
export function changesText(before: Look, after: Look, effects: Effects): readonly string[] {
  const changes: string[] = []
  const { persist, apply, proposed, changed, transfer } = effects
  if (after.term !== before.term) changes.push(`term ${before.term}->${after.term}`)
  if (after.role !== before.role) changes.push(`becomes ${after.role}`)
  if (after.leader !== before.leader && after.role !== 'leader')
    changes.push(after.leader === undefined ? 'has no leader' : `follows ${after.leader}`)
  if (persist?.hardState?.vote !== undefined) changes.push(`votes for ${persist.hardState.vote}`)
  if (persist?.reset !== undefined) changes.push(`log is replaced by snapshot ${position(persist.reset)}`)
  if (persist?.truncateAfter !== undefined)
    changes.push(`log is cut after ${position(persist.truncateAfter)}`)
  const isRolledBack = persist?.truncateAfter !== undefined || persist?.reset !== undefined
  if (effects.configurationChanged && isRolledBack) changes.push(`has ${serversText(after.configuration)}`)
  if (persist !== undefined && persist.entries.length > 0)
    changes.push(`log + ${entriesText(persist.entries)}`)
  if (after.committed !== before.committed) changes.push(`committed ${before.committed}->${after.committed}`)
  const commands = apply.filter(({ kind }) => kind === 'command').map(({ data }) => commandText(data))
  if (commands.length > 0) changes.push(`applies ${commands.join(' ')}`)
  if (proposed?.refusal !== undefined)
    changes.push(`accepts ${proposed.accepted}, then refuses: ${proposed.refusal}`)
  if (changed?.ok === false) changes.push(`refuses: ${changed.failure.message}`)
  if (transfer?.ok === false) changes.push(`refuses: ${transfer.failure.message}`)
  if (transfer?.ok === true) changes.push(`hands over to ${transfer.value}`)
  for (const { request, index } of effects.reads) changes.push(`read ${request} is safe at ${index}`)
  for (const request of effects.readsFailed) changes.push(`read ${request} fails`)
  for (const peer of effects.snapshotsNeeded) changes.push(`${peer} needs a snapshot`)
  return changes
}
