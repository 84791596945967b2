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

/** Serf's states of a member. */
export const memberStatus = { alive: 1, leaving: 2, left: 3, failed: 4 } as const

/** A member as gossip knows it. */
export interface GossipMember {
  readonly node: string
  readonly address: string
  readonly port: number
  readonly tags: ReadonlyMap<string, string>
  readonly presence: keyof typeof memberStatus
  /** Lowest, highest and spoken: of memberlist's protocol, then of Serf's. */
  readonly versions: readonly [number, number, number, number, number, number]
}

export function gossipMemberJson({
  node,
  address,
  port,
  tags,
  presence,
  versions,
}: GossipMember): MemberJson {
  const [ProtocolMin, ProtocolMax, ProtocolCur, DelegateMin, DelegateMax, DelegateCur] = versions
  return {
    Name: node,
    Addr: address,
    Port: port,
    Tags: Object.fromEntries(tags),
    Status: memberStatus[presence],
    ...{ ProtocolMin, ProtocolMax, ProtocolCur, DelegateMin, DelegateMax, DelegateCur },
  }
}

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
