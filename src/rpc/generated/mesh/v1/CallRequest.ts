// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface CallRequest {
  'id'?: (number | string | Long);
  'write'?: (Buffer | Uint8Array | string);
  'read'?: (Buffer | Uint8Array | string);
  'kind'?: "write"|"read";
}

export interface CallRequest__Output {
  'id': (number);
  'write'?: (Buffer);
  'read'?: (Buffer);
  'kind'?: "write"|"read";
}
