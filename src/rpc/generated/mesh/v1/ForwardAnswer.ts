// Original file: mesh.proto

import type { ForwardReady as _mesh_v1_ForwardReady, ForwardReady__Output as _mesh_v1_ForwardReady__Output } from '../../mesh/v1/ForwardReady.ts';
import type { ForwardWritten as _mesh_v1_ForwardWritten, ForwardWritten__Output as _mesh_v1_ForwardWritten__Output } from '../../mesh/v1/ForwardWritten.ts';
import type { ForwardRefused as _mesh_v1_ForwardRefused, ForwardRefused__Output as _mesh_v1_ForwardRefused__Output } from '../../mesh/v1/ForwardRefused.ts';

export interface ForwardAnswer {
  'ready'?: (_mesh_v1_ForwardReady | null);
  'written'?: (_mesh_v1_ForwardWritten | null);
  'refused'?: (_mesh_v1_ForwardRefused | null);
  'kind'?: "ready"|"written"|"refused";
}

export interface ForwardAnswer__Output {
  'ready'?: (_mesh_v1_ForwardReady__Output | null);
  'written'?: (_mesh_v1_ForwardWritten__Output | null);
  'refused'?: (_mesh_v1_ForwardRefused__Output | null);
  'kind'?: "ready"|"written"|"refused";
}
