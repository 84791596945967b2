// Original file: mesh.proto

import type { CallsReady as _mesh_v1_CallsReady, CallsReady__Output as _mesh_v1_CallsReady__Output } from '../../mesh/v1/CallsReady.ts';
import type { Failure as _mesh_v1_Failure, Failure__Output as _mesh_v1_Failure__Output } from '../../mesh/v1/Failure.ts';
import type { CallApart as _mesh_v1_CallApart, CallApart__Output as _mesh_v1_CallApart__Output } from '../../mesh/v1/CallApart.ts';
import type { Long } from '@grpc/proto-loader';

export interface CallAnswer {
  'id'?: (number | string | Long);
  'ready'?: (_mesh_v1_CallsReady | null);
  'answer'?: (Buffer | Uint8Array | string);
  'failure'?: (_mesh_v1_Failure | null);
  'apart'?: (_mesh_v1_CallApart | null);
  'kind'?: "ready"|"answer"|"failure"|"apart";
}

export interface CallAnswer__Output {
  'id': (number);
  'ready'?: (_mesh_v1_CallsReady__Output | null);
  'answer'?: (Buffer);
  'failure'?: (_mesh_v1_Failure__Output | null);
  'apart'?: (_mesh_v1_CallApart__Output | null);
  'kind'?: "ready"|"answer"|"failure"|"apart";
}
