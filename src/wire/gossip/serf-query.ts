/** Serf's queries, their filters and their answers as bytes. The type byte is written and read by serf-message.ts. */
import { unreachable } from '../../model/errors.ts'
import { noBytes } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import type { Query, QueryFilter, QueryResponse } from '../../model/serf-message.ts'
import { addressFromBytes } from './address.ts'
import { readList, readMap } from './map.ts'
import { writeAddress } from './message.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { filterTypes, queryFlags } from './serf-type.ts'

const largest32 = 0xffff_ffff
const nanosecondsPerMs = 1_000_000

export function writeQuery(to: MsgpackWriter, query: Query): void {
  const { source, filters } = query
  to.map(11)
  writeAddress(to.text('Addr'), source.address)
  to.text('Filters')
  if (filters.length === 0) to.nil()
  else to.array(filters.length)
  for (const filter of filters) to.bytes(encodeFilter(filter))
  const flags = (query.wantsAck ? queryFlags.ack : 0) | (query.isDirect ? queryFlags.noBroadcast : 0)
  to.text('Flags').unsigned(flags).text('ID').unsigned(query.id)
  to.text('LTime').unsigned(query.time).text('Name').text(query.name)
  to.text('Payload').bytes(query.payload).text('Port').unsigned(source.port)
  to.text('RelayFactor').unsigned(query.relayFactor).text('SourceNode').text(source.node)
  to.text('Timeout').integer(Math.round(query.timeoutMs * nanosecondsPerMs))
}

export function readQuery(reader: MsgpackReader): Query {
  const read = { time: 0, id: 0, address: '', port: 0, node: '', flags: 0, relayFactor: 0, timeoutNs: 0 }
  let name = ''
  let payload: Uint8Array = noBytes
  let filters: readonly QueryFilter[] = []
  readMap(reader, {
    LTime: () => (read.time = reader.unsigned(Number.MAX_SAFE_INTEGER)),
    ID: () => (read.id = reader.unsigned(largest32)),
    Addr: () => (read.address = addressFromBytes(reader.bytes(16)) ?? ''),
    Port: () => (read.port = reader.unsigned(0xffff)),
    SourceNode: () => (read.node = reader.text(limits.gossipNameBytes)),
    Filters: () => (filters = readList(reader, () => readFilter(reader))),
    Flags: () => (read.flags = reader.unsigned(largest32)),
    RelayFactor: () => (read.relayFactor = reader.unsigned(0xff)),
    Timeout: () => (read.timeoutNs = reader.unsigned(Number.MAX_SAFE_INTEGER)),
    Name: () => (name = reader.text(limits.serfNameBytes)),
    Payload: () => (payload = reader.bytes(limits.gossipPacketBytes)),
  })
  if (read.address === '') reader.fail('no address to answer to')
  const { time, id, address, port, node, flags, relayFactor } = read
  return {
    type: 'query',
    time,
    id,
    source: { address, port, node },
    filters,
    wantsAck: (flags & queryFlags.ack) !== 0,
    isDirect: (flags & queryFlags.noBroadcast) !== 0,
    relayFactor,
    timeoutMs: read.timeoutNs / nanosecondsPerMs,
    name,
    payload,
  }
}

export function writeQueryResponse(to: MsgpackWriter, response: QueryResponse): void {
  to.map(5)
  to.text('Flags')
    .unsigned(response.isAck ? queryFlags.ack : 0)
    .text('From')
    .text(response.from)
  to.text('ID').unsigned(response.id).text('LTime').unsigned(response.time)
  to.text('Payload').bytes(response.payload)
}

export function readQueryResponse(reader: MsgpackReader): QueryResponse {
  const read = { time: 0, id: 0, from: '', flags: 0 }
  let payload: Uint8Array = noBytes
  readMap(reader, {
    LTime: () => (read.time = reader.unsigned(Number.MAX_SAFE_INTEGER)),
    ID: () => (read.id = reader.unsigned(largest32)),
    From: () => (read.from = reader.text(limits.gossipNameBytes)),
    Flags: () => (read.flags = reader.unsigned(largest32)),
    Payload: () => (payload = reader.bytes(limits.gossipPacketBytes)),
  })
  const { time, id, from, flags } = read
  return { type: 'query-response', time, id, from, isAck: (flags & queryFlags.ack) !== 0, payload }
}

function encodeFilter(filter: QueryFilter): Uint8Array {
  const to = new MsgpackWriter()
  switch (filter.kind) {
    case 'nodes':
      to.byte(filterTypes.nodes).array(filter.nodes.length)
      for (const node of filter.nodes) to.text(node)
      break
    case 'tag':
      to.byte(filterTypes.tag).map(2).text('Expr').text(filter.expression).text('Tag').text(filter.tag)
      break
    default:
      unreachable(filter)
  }
  return to.result()
}

/** A filter that we cannot read must not be left out: the query would reach too many. */
function readFilter(outer: MsgpackReader): QueryFilter {
  const bytes = outer.bytes(limits.gossipPacketBytes)
  const reader = new MsgpackReader(bytes, 1)
  let filter: QueryFilter = { kind: 'nodes', nodes: [] }
  if (bytes[0] === filterTypes.nodes)
    filter = { kind: 'nodes', nodes: readList(reader, () => reader.text(limits.gossipNameBytes)) }
  else if (bytes[0] === filterTypes.tag) {
    let tag = ''
    let expression = ''
    readMap(reader, {
      Tag: () => (tag = reader.text(limits.gossipNameBytes)),
      Expr: () => (expression = reader.text(limits.gossipMetaBytes)),
    })
    filter = { kind: 'tag', tag, expression }
  } else outer.fail(`query filter ${bytes[0]} is not known`)
  if (reader.fault !== '') outer.fail(reader.fault)
  return filter
}
