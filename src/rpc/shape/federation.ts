/** Shapes of what datacenters say to each other. What comes from there goes into our log, so it is checked as a whole. */
import * as z from 'zod'
import type { DatacenterFacts, FederatedRoots, FederationFacts } from '../../model/datacenter.ts'
import { limits } from '../../model/limits.ts'
import { rootShape } from './intention.ts'
import { text } from './text.ts'

const addresses = z.array(text).max(limits.serverAddresses)
const roots = z.array(rootShape).max(limits.datacenterRoots)

export const datacenterShape = z.object({
  name: text,
  clusterId: text,
  hostRoots: roots,
  serviceRoots: roots,
  servers: addresses,
  gossip: addresses,
  evicted: z.array(text).max(limits.evictions).exactOptional(),
}) satisfies z.ZodType<DatacenterFacts>

export const federationShape = z.object({
  own: datacenterShape,
  others: z.array(datacenterShape).max(limits.datacenters),
  primary: text,
}) satisfies z.ZodType<FederationFacts>

export const federatedRootsShape = z.object({
  datacenter: text,
  trustDomain: text,
  roots,
}) satisfies z.ZodType<FederatedRoots>
