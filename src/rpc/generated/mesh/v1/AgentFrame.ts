// Original file: mesh.proto

import type { Hello as _mesh_v1_Hello, Hello__Output as _mesh_v1_Hello__Output } from '../../mesh/v1/Hello.ts';
import type { Subscribe as _mesh_v1_Subscribe, Subscribe__Output as _mesh_v1_Subscribe__Output } from '../../mesh/v1/Subscribe.ts';
import type { Subject as _mesh_v1_Subject, Subject__Output as _mesh_v1_Subject__Output } from '../../mesh/v1/Subject.ts';
import type { Enforced as _mesh_v1_Enforced, Enforced__Output as _mesh_v1_Enforced__Output } from '../../mesh/v1/Enforced.ts';
import type { Long } from '@grpc/proto-loader';

export interface AgentFrame {
  'hello'?: (_mesh_v1_Hello | null);
  'subscribe'?: (_mesh_v1_Subscribe | null);
  'unsubscribe'?: (_mesh_v1_Subject | null);
  'enforced'?: (_mesh_v1_Enforced | null);
  'ping'?: (number | string | Long);
  'kind'?: "hello"|"subscribe"|"unsubscribe"|"enforced"|"ping";
}

export interface AgentFrame__Output {
  'hello'?: (_mesh_v1_Hello__Output | null);
  'subscribe'?: (_mesh_v1_Subscribe__Output | null);
  'unsubscribe'?: (_mesh_v1_Subject__Output | null);
  'enforced'?: (_mesh_v1_Enforced__Output | null);
  'ping'?: (number);
  'kind'?: "hello"|"subscribe"|"unsubscribe"|"enforced"|"ping";
}
