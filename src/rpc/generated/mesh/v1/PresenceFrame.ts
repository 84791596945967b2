// Original file: mesh.proto

import type { EnforcedThere as _mesh_v1_EnforcedThere, EnforcedThere__Output as _mesh_v1_EnforcedThere__Output } from '../../mesh/v1/EnforcedThere.ts';
import type { Long } from '@grpc/proto-loader';

export interface PresenceFrame {
  'applied'?: (number | string | Long);
  'gone'?: (string)[];
  'present'?: (string)[];
  'enforced'?: (_mesh_v1_EnforcedThere)[];
  'isComplete'?: (boolean);
}

export interface PresenceFrame__Output {
  'applied': (number);
  'gone': (string)[];
  'present': (string)[];
  'enforced': (_mesh_v1_EnforcedThere__Output)[];
  'isComplete': (boolean);
}
