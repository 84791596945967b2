// Original file: mesh.proto

import type { CallCancel as _mesh_v1_CallCancel, CallCancel__Output as _mesh_v1_CallCancel__Output } from '../../mesh/v1/CallCancel.ts';
import type { Long } from '@grpc/proto-loader';

export interface CallRequest {
  'id'?: (number | string | Long);
  'write'?: (Buffer | Uint8Array | string);
  'read'?: (Buffer | Uint8Array | string);
  'wait'?: (Buffer | Uint8Array | string);
  'cancel'?: (_mesh_v1_CallCancel | null);
  'kind'?: "write"|"read"|"wait"|"cancel";
}

export interface CallRequest__Output {
  'id': (number);
  'write'?: (Buffer);
  'read'?: (Buffer);
  'wait'?: (Buffer);
  'cancel'?: (_mesh_v1_CallCancel__Output | null);
  'kind'?: "write"|"read"|"wait"|"cancel";
}
