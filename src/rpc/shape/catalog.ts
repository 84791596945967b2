/** Shapes of catalog rows: nodes, services with their proxies, checks. The words themselves are in model/. */
import * as z from 'zod'
import { type Check, checkTypes } from '../../model/check.ts'
import type { Node } from '../../model/node.ts'
import type { ProxySettings, Service, ServiceEntry, ServiceKind } from '../../model/service.ts'
import type { Upstream } from '../../model/upstream.ts'
import { flag, opaqueMap, text, textList, textMap, wholeNumber } from './text.ts'

const rowIndexes = { createIndex: wholeNumber, modifyIndex: wholeNumber }

const nodeFields = {
  id: text,
  name: text,
  address: text,
  datacenter: text,
  taggedAddresses: textMap,
  meta: textMap,
}

export const nodeShape = z.object(nodeFields) satisfies z.ZodType<Node>

const upstreamShape = z.object({
  destinationName: text,
  datacenter: text,
  localBindAddress: text,
  localBindPort: wholeNumber,
  localBindSocketPath: text,
  localBindSocketMode: text,
  connectTimeoutMs: wholeNumber,
  config: opaqueMap,
}) satisfies z.ZodType<Upstream>

const exposePathShape = z.object({
  path: text,
  localPathPort: wholeNumber,
  listenerPort: wholeNumber,
  protocol: z.enum(['http', 'http2']),
})

const proxyFields = {
  destinationServiceName: text,
  destinationServiceId: text,
  localServiceAddress: text,
  localServicePort: wholeNumber,
  localServiceSocketPath: text,
  mode: z.enum(['', 'direct', 'transparent']),
  config: opaqueMap,
  upstreams: z.array(upstreamShape),
  expose: z.object({ checks: flag, paths: z.array(exposePathShape) }),
}

const proxyShape = z.object(proxyFields) satisfies z.ZodType<ProxySettings>

const serviceFields = {
  kind: z.enum(['', 'connect-proxy']),
  id: text,
  name: text,
  tags: textList,
  meta: textMap,
  address: text,
  port: wholeNumber,
  socketPath: text,
  taggedAddresses: z.record(text, z.object({ address: text, port: wholeNumber })),
  weights: z.object({ passing: wholeNumber, warning: wholeNumber }),
  enableTagOverride: flag,
  proxy: proxyShape.exactOptional(),
  connectNative: flag,
}

export const serviceShape = z.object(serviceFields) satisfies z.ZodType<Service>

const checkFields = {
  node: text,
  checkId: text,
  name: text,
  status: z.enum(['passing', 'warning', 'critical']),
  notes: text,
  output: text,
  serviceId: text,
  serviceName: text,
  serviceTags: textList,
  type: z.enum(['', ...checkTypes]),
  interval: text,
  timeout: text,
  exposedPort: wholeNumber.exactOptional(),
  definition: opaqueMap.exactOptional(),
}

export const checkShape = z.object(checkFields) satisfies z.ZodType<Check>

/**
 * A word from a list that a newer server may have made longer. Agents let it pass: refusing it would cost them the
 * whole stream, for a detail that only newer ones act on.
 */
const growing = <Word extends string>(): z.ZodType<Word> =>
  z.custom<Word>((value) => typeof value === 'string' && value.isWellFormed())

/** As servers send it to agents. */
export const serviceEntryShape = z.object({
  node: z.object({ ...nodeFields, ...rowIndexes }),
  service: z.object({
    ...serviceFields,
    ...rowIndexes,
    kind: growing<ServiceKind>(),
    proxy: z.object({ ...proxyFields, mode: growing<ProxySettings['mode']>() }).exactOptional(),
  }),
  checks: z.array(z.object({ ...checkFields, ...rowIndexes, type: growing<Check['type']>() })),
}) satisfies z.ZodType<ServiceEntry>
