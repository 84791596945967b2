// Original file: mesh.proto

import type { Welcome as _mesh_v1_Welcome, Welcome__Output as _mesh_v1_Welcome__Output } from '../../mesh/v1/Welcome.ts';
import type { Event as _mesh_v1_Event, Event__Output as _mesh_v1_Event__Output } from '../../mesh/v1/Event.ts';
import type { Subject as _mesh_v1_Subject, Subject__Output as _mesh_v1_Subject__Output } from '../../mesh/v1/Subject.ts';
import type { SnapshotEnd as _mesh_v1_SnapshotEnd, SnapshotEnd__Output as _mesh_v1_SnapshotEnd__Output } from '../../mesh/v1/SnapshotEnd.ts';
import type { Goaway as _mesh_v1_Goaway, Goaway__Output as _mesh_v1_Goaway__Output } from '../../mesh/v1/Goaway.ts';
import type { Servers as _mesh_v1_Servers, Servers__Output as _mesh_v1_Servers__Output } from '../../mesh/v1/Servers.ts';
import type { GossipKeys as _mesh_v1_GossipKeys, GossipKeys__Output as _mesh_v1_GossipKeys__Output } from '../../mesh/v1/GossipKeys.ts';
import type { Long } from '@grpc/proto-loader';

export interface ServerFrame {
  'welcome'?: (_mesh_v1_Welcome | null);
  'event'?: (_mesh_v1_Event | null);
  'snapshotBegin'?: (_mesh_v1_Subject | null);
  'snapshotEnd'?: (_mesh_v1_SnapshotEnd | null);
  'goaway'?: (_mesh_v1_Goaway | null);
  'pong'?: (number | string | Long);
  'servers'?: (_mesh_v1_Servers | null);
  'gossipKeys'?: (_mesh_v1_GossipKeys | null);
  'kind'?: "welcome"|"event"|"snapshotBegin"|"snapshotEnd"|"goaway"|"pong"|"servers"|"gossipKeys";
}

export interface ServerFrame__Output {
  'welcome'?: (_mesh_v1_Welcome__Output | null);
  'event'?: (_mesh_v1_Event__Output | null);
  'snapshotBegin'?: (_mesh_v1_Subject__Output | null);
  'snapshotEnd'?: (_mesh_v1_SnapshotEnd__Output | null);
  'goaway'?: (_mesh_v1_Goaway__Output | null);
  'pong'?: (number);
  'servers'?: (_mesh_v1_Servers__Output | null);
  'gossipKeys'?: (_mesh_v1_GossipKeys__Output | null);
  'kind'?: "welcome"|"event"|"snapshotBegin"|"snapshotEnd"|"goaway"|"pong"|"servers"|"gossipKeys";
}
