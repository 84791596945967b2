// Original file: mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { PresenceAnswer as _mesh_v1_PresenceAnswer, PresenceAnswer__Output as _mesh_v1_PresenceAnswer__Output } from '../../mesh/v1/PresenceAnswer.ts';
import type { PresenceFrame as _mesh_v1_PresenceFrame, PresenceFrame__Output as _mesh_v1_PresenceFrame__Output } from '../../mesh/v1/PresenceFrame.ts';

export interface PresenceClient extends grpc.Client {
  Tell(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_PresenceFrame, _mesh_v1_PresenceAnswer__Output>;
  Tell(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_PresenceFrame, _mesh_v1_PresenceAnswer__Output>;
  tell(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_PresenceFrame, _mesh_v1_PresenceAnswer__Output>;
  tell(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_PresenceFrame, _mesh_v1_PresenceAnswer__Output>;
  
}

export interface PresenceHandlers extends grpc.UntypedServiceImplementation {
  Tell: grpc.handleBidiStreamingCall<_mesh_v1_PresenceFrame__Output, _mesh_v1_PresenceAnswer>;
  
}

export interface PresenceDefinition extends grpc.ServiceDefinition {
  Tell: MethodDefinition<_mesh_v1_PresenceFrame, _mesh_v1_PresenceAnswer, _mesh_v1_PresenceFrame__Output, _mesh_v1_PresenceAnswer__Output>
}
