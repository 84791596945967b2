/**
 * Members as `/agent/members` shows them. Protocol numbers are those of the gossip that Consul 1.14 speaks.
 */
import type { Member } from '../../model/query.ts'

export interface MemberJson {
  readonly Name: string
  readonly Addr: string
  readonly Port: number
  readonly Tags: Readonly<Record<string, string>>
  readonly Status: number
  readonly ProtocolMin: number
  readonly ProtocolMax: number
  readonly ProtocolCur: number
  readonly DelegateMin: number
  readonly DelegateMax: number
  readonly DelegateCur: number
}

/** Serf's states, as far as they are told apart here. */
export const memberStatus = { alive: 1, failed: 4 } as const

const lanPort = 8301
const wanPort = 8302

export function memberJson(member: Member, pool: 'lan' | 'wan' = 'lan'): MemberJson {
  const { node, server, status } = member
  return {
    Name: pool === 'wan' ? `${node.name}.${node.datacenter}` : node.name,
    Addr: node.address,
    Port: pool === 'wan' ? wanPort : lanPort,
    Tags: {
      role: server ? 'consul' : 'node',
      dc: node.datacenter,
      id: node.id,
    },
    Status: memberStatus[status],
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  }
}
