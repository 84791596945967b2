/** `mesh rtt`: how far apart two hosts are, estimated from the coordinates that gossip keeps. */
import { distance } from '../model/coordinate.ts'
import { coordinateOf, type NodeCoordinateJson } from '../wire/http-json/coordinate.ts'
import type { Context } from './declare.ts'
import { CommandFailure } from './failure.ts'

interface AgentSelf {
  readonly Config: { readonly NodeName: string }
}

/** `to` undefined: from the host whose agent is asked. */
export async function estimateRoundTrip(
  { client, terminal }: Context,
  node: string,
  to: string | undefined,
): Promise<void> {
  const other = to ?? (await client().ask('GET', '/v1/agent/self')).json<AgentSelf>().Config.NodeName
  const known = (await client().ask('GET', '/v1/coordinate/nodes')).json<readonly NodeCoordinateJson[]>()
  const placeOf = (name: string): ReturnType<typeof coordinateOf> => {
    const found = known.find(({ Node }) => Node === name)
    if (found !== undefined) return coordinateOf(found.Coord)
    throw new CommandFailure(`this host has not measured its distance to ${name} yet, or does not know it`, {
      next: 'mesh members',
    })
  }
  const roundTripMs = distance(placeOf(node), placeOf(other)) * 1_000
  terminal.show({ from: node, to: other, roundTripMs }, () =>
    terminal.line(`Estimated ${node} <-> ${other} rtt: ${roundTripMs.toFixed(3)} ms (using LAN coordinates)`),
  )
}
