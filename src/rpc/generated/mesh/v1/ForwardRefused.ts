// Original file: mesh.proto

import type { Failure as _mesh_v1_Failure, Failure__Output as _mesh_v1_Failure__Output } from '../../mesh/v1/Failure.ts';
import type { Long } from '@grpc/proto-loader';

export interface ForwardRefused {
  'id'?: (number | string | Long);
  'failure'?: (_mesh_v1_Failure | null);
}

export interface ForwardRefused__Output {
  'id': (number);
  'failure': (_mesh_v1_Failure__Output | null);
}
