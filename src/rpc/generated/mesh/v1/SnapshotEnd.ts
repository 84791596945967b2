// Original file: mesh.proto

import type { Subject as _mesh_v1_Subject, Subject__Output as _mesh_v1_Subject__Output } from '../../mesh/v1/Subject.ts';
import type { Long } from '@grpc/proto-loader';

export interface SnapshotEnd {
  'subject'?: (_mesh_v1_Subject | null);
  'index'?: (number | string | Long);
}

export interface SnapshotEnd__Output {
  'subject': (_mesh_v1_Subject__Output | null);
  'index': (number);
}
