// Original file: mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { RaftFrame as _mesh_v1_RaftFrame, RaftFrame__Output as _mesh_v1_RaftFrame__Output } from '../../mesh/v1/RaftFrame.ts';

export interface RaftClient extends grpc.Client {
  Appends(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  Appends(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  appends(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  appends(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  
  Heartbeats(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  Heartbeats(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  heartbeats(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  heartbeats(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  
  Snapshots(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  Snapshots(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  snapshots(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  snapshots(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>;
  
}

export interface RaftHandlers extends grpc.UntypedServiceImplementation {
  Appends: grpc.handleBidiStreamingCall<_mesh_v1_RaftFrame__Output, _mesh_v1_RaftFrame>;
  
  Heartbeats: grpc.handleBidiStreamingCall<_mesh_v1_RaftFrame__Output, _mesh_v1_RaftFrame>;
  
  Snapshots: grpc.handleBidiStreamingCall<_mesh_v1_RaftFrame__Output, _mesh_v1_RaftFrame>;
  
}

export interface RaftDefinition extends grpc.ServiceDefinition {
  Appends: MethodDefinition<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output, _mesh_v1_RaftFrame__Output>
  Heartbeats: MethodDefinition<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output, _mesh_v1_RaftFrame__Output>
  Snapshots: MethodDefinition<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output, _mesh_v1_RaftFrame__Output>
}
