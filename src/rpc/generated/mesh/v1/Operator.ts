// Original file: mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { OperationAnswer as _mesh_v1_OperationAnswer, OperationAnswer__Output as _mesh_v1_OperationAnswer__Output } from '../../mesh/v1/OperationAnswer.ts';
import type { OperationRequest as _mesh_v1_OperationRequest, OperationRequest__Output as _mesh_v1_OperationRequest__Output } from '../../mesh/v1/OperationRequest.ts';

export interface OperatorClient extends grpc.Client {
  Operate(argument: _mesh_v1_OperationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  Operate(argument: _mesh_v1_OperationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  Operate(argument: _mesh_v1_OperationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  Operate(argument: _mesh_v1_OperationRequest, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  operate(argument: _mesh_v1_OperationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  operate(argument: _mesh_v1_OperationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  operate(argument: _mesh_v1_OperationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  operate(argument: _mesh_v1_OperationRequest, callback: grpc.requestCallback<_mesh_v1_OperationAnswer__Output>): grpc.ClientUnaryCall;
  
}

export interface OperatorHandlers extends grpc.UntypedServiceImplementation {
  Operate: grpc.handleUnaryCall<_mesh_v1_OperationRequest__Output, _mesh_v1_OperationAnswer>;
  
}

export interface OperatorDefinition extends grpc.ServiceDefinition {
  Operate: MethodDefinition<_mesh_v1_OperationRequest, _mesh_v1_OperationAnswer, _mesh_v1_OperationRequest__Output, _mesh_v1_OperationAnswer__Output>
}
