/**
 * The calls of mesh.proto by path, with the codecs of what they carry. Server and client are both made from this table,
 * so that neither can know a call that the other spells differently.
 */
import {
  type Codec,
  enrollRequestCodec,
  enrollServerRequestCodec,
  federateAnswerCodec,
  federateRequestCodec,
  hostCertificateCodec,
  leafCertificateCodec,
  readAnswerCodec,
  readRequestCodec,
  renewHostRequestCodec,
  serverAdmissionCodec,
  signLeafRequestCodec,
  writeAnswerCodec,
  writeRequestCodec,
} from './call-codec.ts'
import { operationAnswerCodec, operationRequestCodec } from './operation-codec.ts'

export interface Method<Request, Answer> {
  readonly path: string
  readonly request: Codec<Request>
  readonly answer: Codec<Answer>
  /** A second try cannot do harm: after a lost connection the client may repeat it elsewhere. */
  readonly repeatable: boolean
}

const method = <Request, Answer>(definition: Method<Request, Answer>): Method<Request, Answer> => definition

export const methods = {
  /** Repeatable, because a server gives a host that comes again with the same key its certificate again. */
  enroll: method({
    path: '/mesh.v1.Enrollment/Enroll',
    request: enrollRequestCodec,
    answer: hostCertificateCodec,
    repeatable: true,
  }),
  renewHost: method({
    path: '/mesh.v1.Enrollment/RenewHost',
    request: renewHostRequestCodec,
    answer: hostCertificateCodec,
    repeatable: true,
  }),
  /** Repeatable for the same reason. */
  enrollServer: method({
    path: '/mesh.v1.Enrollment/EnrollServer',
    request: enrollServerRequestCodec,
    answer: serverAdmissionCodec,
    repeatable: true,
  }),
  /** Repeatable: a datacenter that comes again is known by its cluster id. */
  federate: method({
    path: '/mesh.v1.Enrollment/Federate',
    request: federateRequestCodec,
    answer: federateAnswerCodec,
    repeatable: true,
  }),
  signLeaf: method({
    path: '/mesh.v1.Server/SignLeaf',
    request: signLeafRequestCodec,
    answer: leafCertificateCodec,
    repeatable: true,
  }),
  write: method({
    path: '/mesh.v1.Server/Write',
    request: writeRequestCodec,
    answer: writeAnswerCodec,
    repeatable: false,
  }),
  read: method({
    path: '/mesh.v1.Server/Read',
    request: readRequestCodec,
    answer: readAnswerCodec,
    repeatable: true,
  }),
  operate: method({
    path: '/mesh.v1.Operator/Operate',
    request: operationRequestCodec,
    answer: operationAnswerCodec,
    repeatable: false,
  }),
} as const

export const controlPath = '/mesh.v1.Server/Control'

/** Frames pass gRPC as bytes: they are encoded once for many streams, and checked where a refusal can be told. */
export const passBytes = (bytes: Buffer): Buffer => bytes
