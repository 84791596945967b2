/**
 * Every bound of the product in one place: each queue, buffer, input and loop names its limit here, and the files in
 * limits/ give the values. A limit that operators may change is the default of a configuration key.
 */
import { apiLimits } from './limits/api.ts'
import { catalogLimits } from './limits/catalog.ts'
import { consensusLimits } from './limits/consensus.ts'
import { dnsLimits } from './limits/dns.ts'
import { federationLimits } from './limits/federation.ts'
import { gossipLimits } from './limits/gossip.ts'
import { hostLimits } from './limits/host.ts'
import { proxyLimits } from './limits/proxy.ts'
import { rpcLimits } from './limits/rpc.ts'
import { streamsLimits } from './limits/streams.ts'

export const limits = {
  ...hostLimits,
  ...catalogLimits,
  ...consensusLimits,
  ...streamsLimits,
  ...rpcLimits,
  ...apiLimits,
  ...dnsLimits,
  ...proxyLimits,
  ...gossipLimits,
  ...federationLimits,
} as const
