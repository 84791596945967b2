// Original file: mesh.proto

import type { Subject as _mesh_v1_Subject, Subject__Output as _mesh_v1_Subject__Output } from '../../mesh/v1/Subject.ts';
import type { Long } from '@grpc/proto-loader';

export interface Subscribe {
  'subject'?: (_mesh_v1_Subject | null);
  'cursor'?: (number | string | Long);
}

export interface Subscribe__Output {
  'subject': (_mesh_v1_Subject__Output | null);
  'cursor': (number);
}
