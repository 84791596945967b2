/**
 * The messages of mesh.proto as codecs between objects and bytes. The description is checked in as JSON, so that no
 * `.proto` is parsed at start; packaging/generate-rpc.ts makes it and the types. What the fields mean to the model is
 * in frame-codec.ts and call-codec.ts.
 */
import { fromJSON, type MessageTypeDefinition } from '@grpc/proto-loader'
import type { INamespace } from 'protobufjs'
import { failed, ok, type Result } from '../model/errors.ts'
import type { ProtoGrpcType } from './generated/mesh.ts'
import description from './mesh.json' with { type: 'json' }

type Messages = {
  [Name in keyof ProtoGrpcType['mesh']['v1']]: ProtoGrpcType['mesh']['v1'][Name] extends MessageTypeDefinition<
    infer Input,
    infer Output
  >
    ? { readonly input: Input; readonly output: Output }
    : never
}

type MessageName = {
  [Name in keyof Messages]: [Messages[Name]] extends [never] ? never : Name
}[keyof Messages]

export interface MessageCodec<Input, Output> {
  encode(value: Input): Buffer
  /** Fails with `bad-request` for bytes that are not this message; absent fields have their defaults. */
  decode(bytes: Uint8Array): Result<Output>
}

/** The same options as in packaging/generate-rpc.ts, or types and values would differ. */
const definitions = fromJSON(description as INamespace, {
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  objects: true,
  oneofs: true,
})

export function messageCodec<Name extends MessageName>(
  name: Name,
): MessageCodec<Messages[Name]['input'], Messages[Name]['output']> {
  const definition = definitions[`mesh.v1.${name}`] as unknown as MessageTypeDefinition<
    Messages[Name]['input'],
    Messages[Name]['output']
  >
  return {
    encode: (value) => definition.serialize(value),
    decode: (bytes) => {
      try {
        return ok(definition.deserialize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)))
      } catch {
        return failed('bad-request', `the bytes are not a ${name} message`)
      }
    },
  }
}
