/** Places in the network as `/coordinate` shows them. Seconds, as in Serf. */
import type { NetworkCoordinate } from '../../model/serf-message.ts'

export interface CoordJson {
  readonly Vec: readonly number[]
  readonly Error: number
  readonly Adjustment: number
  readonly Height: number
}

export interface NodeCoordinateJson {
  readonly Node: string
  readonly Segment: string
  readonly Coord: CoordJson
}

export function coordJson({ vector, error, adjustment, height }: NetworkCoordinate): CoordJson {
  return { Vec: vector, Error: error, Adjustment: adjustment, Height: height }
}

export function coordinateOf(json: CoordJson): NetworkCoordinate {
  return { vector: json.Vec, error: json.Error, adjustment: json.Adjustment, height: json.Height }
}

export const nodeCoordinateJson = (node: string, coordinate: NetworkCoordinate): NodeCoordinateJson => ({
  Node: node,
  Segment: '',
  Coord: coordJson(coordinate),
})
