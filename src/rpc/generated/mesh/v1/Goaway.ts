// Original file: mesh.proto

import type { Failure as _mesh_v1_Failure, Failure__Output as _mesh_v1_Failure__Output } from '../../mesh/v1/Failure.ts';
import type { Long } from '@grpc/proto-loader';

export interface Goaway {
  'reason'?: (_mesh_v1_Failure | null);
  'retryAfterMs'?: (number | string | Long);
}

export interface Goaway__Output {
  'reason': (_mesh_v1_Failure__Output | null);
  'retryAfterMs': (number);
}
