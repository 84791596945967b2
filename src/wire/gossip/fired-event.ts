/**
 * An event of Consul inside a user event of Serf: a name with a prefix, and a map with short keys. Other user events of a
 * pool are not meant for agents.
 */
import type { FiredEvent } from '../../model/fired-event.ts'
import { noBytes } from '../../model/gossip-message.ts'
import { limits } from '../../model/limits.ts'
import { readMap } from './map.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

const prefix = 'consul:event:'

export const gossipNameOf = (event: Pick<FiredEvent, 'name'>): string => prefix + event.name

/** What is empty is left out, because all of it together has 512 bytes. */
export function encodeFiredEvent(event: FiredEvent): Uint8Array {
  const { id, name, payload, nodeFilter, serviceFilter, tagFilter, version } = event
  const texts = Object.entries({ nf: nodeFilter, sf: serviceFilter, tf: tagFilter }).filter(
    ([, text]) => text !== '',
  )
  const to = new MsgpackWriter().map(3 + texts.length + (payload.length > 0 ? 1 : 0))
  to.text('ID').text(id).text('n').text(name)
  if (payload.length > 0) to.text('p').bytes(payload)
  for (const [key, text] of texts) to.text(key).text(text)
  return to.text('v').unsigned(version).result()
}

/** Undefined for a user event of another kind, and for what cannot be read. */
export function decodeFiredEvent(heard: {
  readonly name: string
  readonly payload: Uint8Array
  readonly time: number
}): FiredEvent | undefined {
  if (!heard.name.startsWith(prefix)) return undefined
  const reader = new MsgpackReader(heard.payload)
  const most = limits.serfEventBytes
  const read = { id: '', name: '', nodeFilter: '', serviceFilter: '', tagFilter: '', version: 0 }
  let payload = noBytes
  readMap(reader, {
    ID: () => (read.id = reader.text(most)),
    n: () => (read.name = reader.text(most)),
    nf: () => (read.nodeFilter = reader.text(most)),
    sf: () => (read.serviceFilter = reader.text(most)),
    tf: () => (read.tagFilter = reader.text(most)),
    v: () => (read.version = reader.unsigned(0xffff_ffff)),
    // Kept for long: a view would keep the whole packet.
    p: () => (payload = new Uint8Array(reader.bytes(most))),
  })
  if (reader.fault !== '' || read.name === '') return undefined
  return { ...read, payload, time: heard.time }
}
