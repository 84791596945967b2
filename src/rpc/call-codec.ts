/**
 * Requests and answers of the single calls between the contract's objects and bytes. Each codec encodes what this
 * version sends and checks what any peer may have sent.
 */

import * as z from 'zod'
import type { Applied, AppliedValue } from '../model/command.ts'
import type { FederationFacts } from '../model/datacenter.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import type { QueryName, ReadAnswer } from '../model/query.ts'
import type {
  EnrollRequest,
  EnrollServerRequest,
  FederateRequest,
  HostCertificate,
  LeafCertificate,
  ReadRequest,
  RenewHostRequest,
  ServerAdmission,
  SignLeafRequest,
  WriteRequest,
} from './contract.ts'
import { checkShape, decodeJson, encodeJson, parseJson } from './json.ts'
import { messageCodec } from './protocol.ts'
import { commandShape } from './shape/command.ts'
import { datacenterShape, federationShape } from './shape/federation.ts'
import { rootShape } from './shape/intention.ts'
import { sessionRowShape, txnErrorShape, txnResultShape } from './shape/lock.ts'
import { isQueryName, queryShapes, readMetaShape, readOptionsShape } from './shape/query.ts'
import { text, wholeNumber } from './shape/text.ts'

export interface Codec<Value> {
  encode(value: Value): Buffer
  decode(bytes: Uint8Array): Result<Value>
}

/** What applying gave, for a write that was applied. */
export type WriteAnswer = Extract<Applied, { ok: true }>

/** A read of any name; the name and its arguments fit together. */
export type AnyReadRequest = { [Name in QueryName]: ReadRequest<Name> }[QueryName]
/** An answer whose content the reader knows from the name that it asked for. */
export type AnyReadAnswer = ReadAnswer<QueryName>

const enrollMessage = messageCodec('EnrollRequest')
const enrollShape = z.object({ secret: text, node: text.min(1), nodeId: text, csr: z.instanceof(Uint8Array) })

export const enrollRequestCodec: Codec<EnrollRequest> = {
  encode: (request) => enrollMessage.encode(request),
  decode: (bytes) => {
    const message = enrollMessage.decode(bytes)
    return message.ok ? checkShape(message.value, enrollShape, 'the enrollment') : message
  },
}

const renewMessage = messageCodec('RenewHostRequest')

export const renewHostRequestCodec: Codec<RenewHostRequest> = {
  encode: (request) => renewMessage.encode(request),
  decode: (bytes) => renewMessage.decode(bytes),
}

const hostMessage = messageCodec('HostCertificate')
const rootsShape = z.array(rootShape)

export const hostCertificateCodec: Codec<HostCertificate> = {
  encode: (value) =>
    hostMessage.encode({
      ...value,
      services: [...value.services],
      gossipKeys: [...(value.gossipKeys ?? [])],
      hostRootsJson: encodeJson(value.hostRoots),
      serviceRootsJson: encodeJson(value.serviceRoots),
    }),
  decode: (bytes) => {
    const message = hostMessage.decode(bytes)
    if (!message.ok) return message
    const { certificatePem, clusterId, datacenter, services, gossipKeys } = message.value
    const roots = decodeRoots(message.value)
    if (!roots.ok) return roots
    const host = { certificatePem, clusterId, datacenter, services, ...roots.value }
    return ok(gossipKeys.length === 0 ? host : { ...host, gossipKeys })
  },
}

const enrollServerMessage = messageCodec('EnrollServerRequest')
const enrollServerShape = z.object({
  secret: text,
  node: text.min(1),
  serverId: text,
  address: text.min(1),
  csr: z.instanceof(Uint8Array),
})

export const enrollServerRequestCodec: Codec<EnrollServerRequest> = {
  encode: (request) => enrollServerMessage.encode(request),
  decode: (bytes) => {
    const message = enrollServerMessage.decode(bytes)
    return message.ok ? checkShape(message.value, enrollServerShape, 'the enrollment of the server') : message
  },
}

const admissionMessage = messageCodec('ServerAdmission')

export const serverAdmissionCodec: Codec<ServerAdmission> = {
  encode: (value) =>
    admissionMessage.encode({
      ...value,
      hostRootsJson: encodeJson(value.hostRoots),
      serviceRootsJson: encodeJson(value.serviceRoots),
    }),
  decode: (bytes) => {
    const message = admissionMessage.decode(bytes)
    if (!message.ok) return message
    const { certificatePem, clusterKey, clusterId, datacenter } = message.value
    const roots = decodeRoots(message.value)
    return roots.ok ? ok({ certificatePem, clusterKey, clusterId, datacenter, ...roots.value }) : roots
  },
}

function decodeRoots({
  hostRootsJson,
  serviceRootsJson,
}: {
  readonly hostRootsJson: Uint8Array
  readonly serviceRootsJson: Uint8Array
}): Result<Pick<HostCertificate, 'hostRoots' | 'serviceRoots'>> {
  const hostRoots = decodeJson(hostRootsJson, rootsShape, 'the list of host roots')
  if (!hostRoots.ok) return hostRoots
  const serviceRoots = decodeJson(serviceRootsJson, rootsShape, 'the list of service roots')
  if (!serviceRoots.ok) return serviceRoots
  return ok({ hostRoots: hostRoots.value, serviceRoots: serviceRoots.value })
}

const federateMessage = messageCodec('FederateRequest')

export const federateRequestCodec: Codec<FederateRequest> = {
  encode: ({ secret, facts }) => federateMessage.encode({ secret, factsJson: encodeJson(facts) }),
  decode: (bytes) => {
    const message = federateMessage.decode(bytes)
    if (!message.ok) return message
    const facts = decodeJson(message.value.factsJson, datacenterShape, 'the description of the datacenter')
    return facts.ok ? ok({ secret: message.value.secret, facts: facts.value }) : facts
  },
}

const federateAnswerMessage = messageCodec('FederateAnswer')

export const federateAnswerCodec: Codec<FederationFacts> = {
  encode: (facts) => federateAnswerMessage.encode({ factsJson: encodeJson(facts) }),
  decode: (bytes) => {
    const message = federateAnswerMessage.decode(bytes)
    return message.ok
      ? decodeJson(message.value.factsJson, federationShape, 'the description of the datacenters')
      : message
  },
}

const signLeafMessage = messageCodec('SignLeafRequest')
const signLeafShape = z.object({ service: text.min(1), csr: z.instanceof(Uint8Array) })

export const signLeafRequestCodec: Codec<SignLeafRequest> = {
  encode: (request) => signLeafMessage.encode(request),
  decode: (bytes) => {
    const message = signLeafMessage.decode(bytes)
    return message.ok ? checkShape(message.value, signLeafShape, 'the leaf request') : message
  },
}

const leafMessage = messageCodec('LeafCertificate')
const leafShape = z.object({
  certificatePem: text,
  serialNumber: text,
  notBeforeMs: wholeNumber,
  notAfterMs: wholeNumber,
})

export const leafCertificateCodec: Codec<LeafCertificate> = {
  encode: (value) => leafMessage.encode(value),
  decode: (bytes) => {
    const message = leafMessage.decode(bytes)
    return message.ok ? checkShape(message.value, leafShape, 'the leaf certificate') : message
  },
}

const writeMessage = messageCodec('WriteRequest')

export const writeRequestCodec: Codec<WriteRequest> = {
  encode: ({ token, command, datacenter = '', operator = '' }) =>
    writeMessage.encode({ token, commandJson: encodeJson(command), datacenter, operator }),
  decode: (bytes) => {
    const message = writeMessage.decode(bytes)
    if (!message.ok) return message
    const { token, datacenter, operator, commandJson } = message.value
    const command = decodeJson(commandJson, commandShape, 'the command')
    if (!command.ok) return command
    const said = { ...(datacenter === '' ? {} : { datacenter }), ...(operator === '' ? {} : { operator }) }
    return ok({ token, command: command.value, ...said })
  },
}

const writeAnswerMessage = messageCodec('WriteAnswer')
export const appliedValueShape = z.union([
  z.object({ kind: z.enum(['done', 'unchanged']) }),
  z.object({ kind: z.literal('intention'), id: text }),
  z.object({ kind: z.literal('enrolled'), services: z.array(text) }),
  z.object({ kind: z.literal('session'), session: sessionRowShape }),
  z.object({ kind: z.literal('txn'), results: z.array(txnResultShape) }),
  z.object({ kind: z.literal('rolled-back'), errors: z.array(txnErrorShape) }),
]) satisfies z.ZodType<AppliedValue>

export const writeAnswerCodec: Codec<WriteAnswer> = {
  encode: (answer) => writeAnswerMessage.encode({ index: answer.index, valueJson: encodeJson(answer.value) }),
  decode: (bytes) => {
    const message = writeAnswerMessage.decode(bytes)
    if (!message.ok) return message
    const value = decodeJson(message.value.valueJson, appliedValueShape, 'the answer')
    return value.ok ? ok({ ok: true, index: message.value.index, value: value.value }) : value
  },
}

const readMessage = messageCodec('ReadRequest')

export const readRequestCodec: Codec<AnyReadRequest> = {
  encode: ({ token, name, args, options, datacenter = '' }) =>
    readMessage.encode({ token, name, argsJson: encodeJson(args), ...options, datacenter }),
  decode: (bytes) => {
    const message = readMessage.decode(bytes)
    if (!message.ok) return message
    const { token, name, argsJson, datacenter } = message.value
    if (!isQueryName(name)) return failed('unsupported-feature', 'this server does not know that query')
    const args = decodeJson<unknown>(argsJson, queryShapes[name], 'the arguments of the query')
    if (!args.ok) return args
    const options = checkShape(message.value, readOptionsShape, 'the options of the query')
    if (!options.ok) return options
    const where = datacenter === '' ? {} : { datacenter }
    return ok({ token, name, args: args.value, options: options.value, ...where } as AnyReadRequest)
  },
}

const readAnswerMessage = messageCodec('ReadAnswer')

/** The content of an answer is taken as it is: it comes from a server that proved its identity, and lists are long. */
export const readAnswerCodec: Codec<AnyReadAnswer> = {
  encode: ({ meta, answer }) => readAnswerMessage.encode({ ...meta, answerJson: encodeJson(answer) }),
  decode: (bytes) => {
    const message = readAnswerMessage.decode(bytes)
    if (!message.ok) return message
    const meta = checkShape(message.value, readMetaShape, 'the description of the answer')
    if (!meta.ok) return meta
    const answer = parseJson(message.value.answerJson, 'the answer')
    return answer.ok ? ok({ meta: meta.value, answer: answer.value } as AnyReadAnswer) : answer
  },
}
