/** `mesh members`: the hosts of the mesh and whether they are there. */
import { type MemberJson, memberStatus } from '../wire/http-json/member.ts'
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'

export interface MembersOptions {
  readonly detailed?: true
  readonly status?: string
  readonly filter?: string
  readonly wan?: true
}

const stateNames = new Map<number, string>(
  Object.entries(memberStatus).map(([name, number]) => [number, name]),
)

const stateOf = (member: MemberJson): string => stateNames.get(member.Status) ?? `unknown (${member.Status})`

export async function listMembers(context: Context, options: MembersOptions): Promise<void> {
  const wanted = options.status
  if (wanted !== undefined && ![...stateNames.values()].includes(wanted))
    throw new UsageFailure(`-status ${wanted}: use one of ${[...stateNames.values()].join(', ')}`)
  const query = new URLSearchParams()
  if (options.wan === true) query.set('wan', '1')
  if (options.filter !== undefined) query.set('filter', options.filter)
  const all = (await context.client().ask('GET', `/v1/agent/members?${query}`)).json<readonly MemberJson[]>()
  const members = wanted === undefined ? all : all.filter((member) => stateOf(member) === wanted)
  const { terminal } = context
  terminal.show(members, () => {
    if (options.detailed === true)
      return terminal.table(
        ['node', 'address', 'status', 'tags'],
        members.map((member) => [
          member.Name,
          `${member.Addr}:${member.Port}`,
          stateOf(member),
          tagsText(member),
        ]),
      )
    terminal.table(
      ['node', 'address', 'status', 'type', 'datacenter'],
      members.map((member) => [
        member.Name,
        member.Addr,
        stateOf(member),
        member.Tags['role'] === 'consul' ? 'server' : 'host',
        member.Tags['dc'] ?? '',
      ]),
    )
  })
}

const tagsText = ({ Tags }: MemberJson): string =>
  Object.entries(Tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
