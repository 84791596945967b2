/** Serf's part of a full exchange of state: Lamport times, who has left, recent user events. */
import { noBytes } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import type { LamportTime, SerfState, UserEvent } from '../../model/serf-message.ts'
import { readList, readMap } from './map.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { serfTypes } from './serf-type.ts'

export function encodeSerfState(state: SerfState): Uint8Array {
  const to = new MsgpackWriter(1_024)
  to.byte(serfTypes.state).map(6).text('EventLTime').unsigned(state.eventTime).text('Events')
  const byTime = Map.groupBy(state.events, (event) => event.time)
  to.array(byTime.size)
  for (const [time, events] of byTime) {
    to.map(2).text('Events').array(events.length)
    for (const { name, payload } of events) to.map(2).text('Name').text(name).text('Payload').bytes(payload)
    to.text('LTime').unsigned(time)
  }
  to.text('LTime').unsigned(state.time).text('LeftMembers').array(state.left.length)
  for (const name of state.left) to.text(name)
  to.text('QueryLTime').unsigned(state.queryTime).text('StatusLTimes').map(state.statusTimes.size)
  for (const [name, time] of state.statusTimes) to.text(name).unsigned(time)
  return to.result()
}

/** Text says what is wrong with it. */
export function decodeSerfState(bytes: Uint8Array): SerfState | string {
  if (bytes[0] !== serfTypes.state) return `Serf message type ${bytes[0]} where state was expected`
  const reader = new MsgpackReader(bytes, 1)
  const time = (): LamportTime => reader.unsigned(Number.MAX_SAFE_INTEGER)
  const read = { time: 0, eventTime: 0, queryTime: 0 }
  let left: readonly string[] = []
  let events: readonly UserEvent[] = []
  const statusTimes = new Map<string, LamportTime>()
  readMap(reader, {
    LTime: () => (read.time = time()),
    EventLTime: () => (read.eventTime = time()),
    QueryLTime: () => (read.queryTime = time()),
    LeftMembers: () => (left = readList(reader, () => reader.text(limits.gossipNameBytes))),
    Events: () => (events = readList(reader, () => readEvents(reader)).flat()),
    StatusLTimes: () => {
      for (let entries = reader.map(); entries > 0 && reader.fault === ''; entries -= 1)
        statusTimes.set(reader.text(limits.gossipNameBytes), time())
    },
  })
  return reader.fault === '' ? { ...read, statusTimes, left, events } : reader.fault
}

/** Events of one Lamport time; slots of Serf's ring that were never filled are nil. */
function readEvents(reader: MsgpackReader): UserEvent[] {
  let time = 0
  let unstamped: readonly { readonly name: string; readonly payload: Uint8Array }[] = []
  readMap(reader, {
    LTime: () => (time = reader.unsigned(Number.MAX_SAFE_INTEGER)),
    Events: () => (unstamped = readList(reader, () => readEvent(reader))),
  })
  return unstamped.map((event) => ({ type: 'user-event', time, ...event, coalesces: false }))
}

function readEvent(reader: MsgpackReader): { readonly name: string; readonly payload: Uint8Array } {
  let name = ''
  let payload: Uint8Array = noBytes
  readMap(reader, {
    Name: () => (name = reader.text(limits.serfNameBytes)),
    Payload: () => (payload = reader.bytes(limits.gossipPacketBytes)),
  })
  return { name, payload }
}
