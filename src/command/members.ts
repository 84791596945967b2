/** `mesh members`: the hosts of the mesh and whether they are there. */
import { type MemberJson, memberStatus } from '../wire/http-json/member.ts'
import type { Context } from './declare.ts'

export async function listMembers(context: Context): Promise<void> {
  const reply = await context.client().ask('GET', '/v1/agent/members')
  const members = reply.json<readonly MemberJson[]>()
  context.terminal.show(members, () =>
    context.terminal.table(
      ['node', 'address', 'status', 'type', 'datacenter'],
      members.map((member) => [
        member.Name,
        member.Addr,
        member.Status === memberStatus.alive ? 'alive' : 'failed',
        member.Tags['role'] === 'consul' ? 'server' : 'host',
        member.Tags['dc'] ?? '',
      ]),
    ),
  )
}
