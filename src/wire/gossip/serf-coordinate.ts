/** A member's network coordinate, as answers to pings carry it: a version byte and a map of numbers. */
import type { NetworkCoordinate } from '../../model/serf-message.ts'
import { readList, readMap } from './map.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

const version = 1
const mostDimensions = 16

export function encodeCoordinate(coordinate: NetworkCoordinate): Uint8Array {
  const { adjustment, error, height, vector } = coordinate
  const to = new MsgpackWriter().byte(version).map(4)
  to.text('Adjustment').float(adjustment).text('Error').float(error).text('Height').float(height)
  to.text('Vec').array(vector.length)
  for (const part of vector) to.float(part)
  return to.result()
}

/** Undefined for other versions and for what is no coordinate. */
export function decodeCoordinate(bytes: Uint8Array): NetworkCoordinate | undefined {
  if (bytes[0] !== version) return undefined
  const reader = new MsgpackReader(bytes, 1)
  const read = { adjustment: 0, error: 0, height: 0 }
  let vector: readonly number[] = []
  readMap(reader, {
    Adjustment: () => (read.adjustment = reader.float()),
    Error: () => (read.error = reader.float()),
    Height: () => (read.height = reader.float()),
    Vec: () => (vector = readList(reader, () => reader.float())),
  })
  if (reader.fault !== '' || vector.length > mostDimensions) return undefined
  return { ...read, vector }
}
