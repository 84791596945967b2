// Original file: mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ForwardAnswer as _mesh_v1_ForwardAnswer, ForwardAnswer__Output as _mesh_v1_ForwardAnswer__Output } from '../../mesh/v1/ForwardAnswer.ts';
import type { ForwardFrame as _mesh_v1_ForwardFrame, ForwardFrame__Output as _mesh_v1_ForwardFrame__Output } from '../../mesh/v1/ForwardFrame.ts';

export interface ForwardClient extends grpc.Client {
  Open(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_ForwardFrame, _mesh_v1_ForwardAnswer__Output>;
  Open(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_ForwardFrame, _mesh_v1_ForwardAnswer__Output>;
  open(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_ForwardFrame, _mesh_v1_ForwardAnswer__Output>;
  open(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_ForwardFrame, _mesh_v1_ForwardAnswer__Output>;
  
}

export interface ForwardHandlers extends grpc.UntypedServiceImplementation {
  Open: grpc.handleBidiStreamingCall<_mesh_v1_ForwardFrame__Output, _mesh_v1_ForwardAnswer>;
  
}

export interface ForwardDefinition extends grpc.ServiceDefinition {
  Open: MethodDefinition<_mesh_v1_ForwardFrame, _mesh_v1_ForwardAnswer, _mesh_v1_ForwardFrame__Output, _mesh_v1_ForwardAnswer__Output>
}
