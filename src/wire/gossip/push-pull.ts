/**
 * A full exchange of state as bytes: a header with counts, one map per member, then the state of the layer above. Read
 * member by member, because the messages of large pools arrive in hundreds of pieces.
 */
import type { MemberState, MemberStatus, PushPull } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import { Fields } from './fields.ts'
import { aliveOf, writeAddress } from './message.ts'
import { messageTypes } from './message-type.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import type { MsgpackWriter } from './msgpack-writer.ts'

/** As numbered on the wire. */
const statuses: readonly MemberStatus[] = ['alive', 'suspect', 'dead', 'left']

export function writePushPull(to: MsgpackWriter, message: PushPull): void {
  const { members, userState, isJoin } = message
  to.byte(messageTypes.pushPull).map(3)
  to.text('Join').boolean(isJoin).text('Nodes').unsigned(members.length)
  to.text('UserStateLen').integer(userState.length)
  for (const member of members) writeMember(to, member)
  to.append(userState)
}

function writeMember(to: MsgpackWriter, member: MemberState): void {
  const { record, incarnation, status } = member
  to.map(7)
  writeAddress(to.text('Addr'), record.address)
  to.text('Incarnation').unsigned(incarnation).text('Meta').bytes(record.meta)
  to.text('Name').text(record.node).text('Port').unsigned(record.port)
  to.text('State').integer(statuses.indexOf(status))
  to.text('Vsn').bytes(Uint8Array.from(record.versions))
}

interface Header {
  readonly isJoin: boolean
  readonly members: number
  readonly userStateBytes: number
}

/** Takes up where it stopped: give it the same bytes again with more behind them. */
export class PushPullReader {
  #header: Header | undefined
  readonly #members: MemberState[] = []
  /** First byte that is not read yet; the type stands before the first. */
  #at = 1
  fault = ''

  /** The message once it is whole; undefined for more, or after a fault. */
  read(bytes: Uint8Array): PushPull | undefined {
    const reader = new MsgpackReader(bytes, this.#at)
    this.#header ??= this.#keep(reader, readHeader(reader))
    const header = this.#header
    if (header === undefined) return undefined
    while (this.#members.length < header.members) {
      const member = this.#keep(reader, readMember(reader))
      if (member === undefined) return undefined
      this.#members.push(member)
    }
    const userState = this.#keep(reader, reader.take(header.userStateBytes))
    if (userState === undefined) return undefined
    return { type: 'push-pull', isJoin: header.isJoin, members: this.#members, userState }
  }

  #keep<Value>(reader: MsgpackReader, value: Value): Value | undefined {
    if (reader.isTruncated) return undefined
    this.fault = reader.fault
    if (this.fault !== '') return undefined
    this.#at = reader.at
    return value
  }
}

function readHeader(reader: MsgpackReader): Header {
  let isJoin = false
  let members = 0
  let userStateBytes = 0
  for (let entries = reader.map(); entries > 0 && reader.fault === ''; entries -= 1) {
    const key = reader.text(64)
    if (key === 'Join') isJoin = reader.boolean()
    else if (key === 'Nodes') members = reader.unsigned(limits.gossipMembers)
    else if (key === 'UserStateLen') userStateBytes = reader.unsigned(limits.gossipStreamBytes)
    else reader.skip()
  }
  return { isJoin, members, userStateBytes }
}

function readMember(reader: MsgpackReader): MemberState {
  const fields = new Fields(reader).read().needsNode().needsAddress()
  const status = statuses[fields.state]
  if (status === undefined) reader.fail(`member status ${fields.state} is not known`)
  return { record: aliveOf(fields), incarnation: fields.incarnation, status: status ?? 'alive' }
}
