// Original file: mesh.proto

import type { RaftHello as _mesh_v1_RaftHello, RaftHello__Output as _mesh_v1_RaftHello__Output } from '../../mesh/v1/RaftHello.ts';

export interface RaftFrame {
  'hello'?: (_mesh_v1_RaftHello | null);
  'message'?: (Buffer | Uint8Array | string);
  'kind'?: "hello"|"message";
}

export interface RaftFrame__Output {
  'hello'?: (_mesh_v1_RaftHello__Output | null);
  'message'?: (Buffer);
  'kind'?: "hello"|"message";
}
