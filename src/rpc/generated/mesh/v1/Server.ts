// Original file: mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentFrame as _mesh_v1_AgentFrame, AgentFrame__Output as _mesh_v1_AgentFrame__Output } from '../../mesh/v1/AgentFrame.ts';
import type { CallAnswer as _mesh_v1_CallAnswer, CallAnswer__Output as _mesh_v1_CallAnswer__Output } from '../../mesh/v1/CallAnswer.ts';
import type { CallRequest as _mesh_v1_CallRequest, CallRequest__Output as _mesh_v1_CallRequest__Output } from '../../mesh/v1/CallRequest.ts';
import type { LeafCertificate as _mesh_v1_LeafCertificate, LeafCertificate__Output as _mesh_v1_LeafCertificate__Output } from '../../mesh/v1/LeafCertificate.ts';
import type { ReadAnswer as _mesh_v1_ReadAnswer, ReadAnswer__Output as _mesh_v1_ReadAnswer__Output } from '../../mesh/v1/ReadAnswer.ts';
import type { ReadRequest as _mesh_v1_ReadRequest, ReadRequest__Output as _mesh_v1_ReadRequest__Output } from '../../mesh/v1/ReadRequest.ts';
import type { ServerFrame as _mesh_v1_ServerFrame, ServerFrame__Output as _mesh_v1_ServerFrame__Output } from '../../mesh/v1/ServerFrame.ts';
import type { SignLeafRequest as _mesh_v1_SignLeafRequest, SignLeafRequest__Output as _mesh_v1_SignLeafRequest__Output } from '../../mesh/v1/SignLeafRequest.ts';
import type { WriteAnswer as _mesh_v1_WriteAnswer, WriteAnswer__Output as _mesh_v1_WriteAnswer__Output } from '../../mesh/v1/WriteAnswer.ts';
import type { WriteRequest as _mesh_v1_WriteRequest, WriteRequest__Output as _mesh_v1_WriteRequest__Output } from '../../mesh/v1/WriteRequest.ts';

export interface ServerClient extends grpc.Client {
  Calls(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_CallRequest, _mesh_v1_CallAnswer__Output>;
  Calls(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_CallRequest, _mesh_v1_CallAnswer__Output>;
  calls(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_CallRequest, _mesh_v1_CallAnswer__Output>;
  calls(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_CallRequest, _mesh_v1_CallAnswer__Output>;
  
  Control(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_AgentFrame, _mesh_v1_ServerFrame__Output>;
  Control(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_AgentFrame, _mesh_v1_ServerFrame__Output>;
  control(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_AgentFrame, _mesh_v1_ServerFrame__Output>;
  control(options?: grpc.CallOptions): grpc.ClientDuplexStream<_mesh_v1_AgentFrame, _mesh_v1_ServerFrame__Output>;
  
  Read(argument: _mesh_v1_ReadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  Read(argument: _mesh_v1_ReadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  Read(argument: _mesh_v1_ReadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  Read(argument: _mesh_v1_ReadRequest, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  read(argument: _mesh_v1_ReadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  read(argument: _mesh_v1_ReadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  read(argument: _mesh_v1_ReadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  read(argument: _mesh_v1_ReadRequest, callback: grpc.requestCallback<_mesh_v1_ReadAnswer__Output>): grpc.ClientUnaryCall;
  
  SignLeaf(argument: _mesh_v1_SignLeafRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  SignLeaf(argument: _mesh_v1_SignLeafRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  SignLeaf(argument: _mesh_v1_SignLeafRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  SignLeaf(argument: _mesh_v1_SignLeafRequest, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  signLeaf(argument: _mesh_v1_SignLeafRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  signLeaf(argument: _mesh_v1_SignLeafRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  signLeaf(argument: _mesh_v1_SignLeafRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  signLeaf(argument: _mesh_v1_SignLeafRequest, callback: grpc.requestCallback<_mesh_v1_LeafCertificate__Output>): grpc.ClientUnaryCall;
  
  Write(argument: _mesh_v1_WriteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  Write(argument: _mesh_v1_WriteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  Write(argument: _mesh_v1_WriteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  Write(argument: _mesh_v1_WriteRequest, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  write(argument: _mesh_v1_WriteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  write(argument: _mesh_v1_WriteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  write(argument: _mesh_v1_WriteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  write(argument: _mesh_v1_WriteRequest, callback: grpc.requestCallback<_mesh_v1_WriteAnswer__Output>): grpc.ClientUnaryCall;
  
}

export interface ServerHandlers extends grpc.UntypedServiceImplementation {
  Calls: grpc.handleBidiStreamingCall<_mesh_v1_CallRequest__Output, _mesh_v1_CallAnswer>;
  
  Control: grpc.handleBidiStreamingCall<_mesh_v1_AgentFrame__Output, _mesh_v1_ServerFrame>;
  
  Read: grpc.handleUnaryCall<_mesh_v1_ReadRequest__Output, _mesh_v1_ReadAnswer>;
  
  SignLeaf: grpc.handleUnaryCall<_mesh_v1_SignLeafRequest__Output, _mesh_v1_LeafCertificate>;
  
  Write: grpc.handleUnaryCall<_mesh_v1_WriteRequest__Output, _mesh_v1_WriteAnswer>;
  
}

export interface ServerDefinition extends grpc.ServiceDefinition {
  Calls: MethodDefinition<_mesh_v1_CallRequest, _mesh_v1_CallAnswer, _mesh_v1_CallRequest__Output, _mesh_v1_CallAnswer__Output>
  Control: MethodDefinition<_mesh_v1_AgentFrame, _mesh_v1_ServerFrame, _mesh_v1_AgentFrame__Output, _mesh_v1_ServerFrame__Output>
  Read: MethodDefinition<_mesh_v1_ReadRequest, _mesh_v1_ReadAnswer, _mesh_v1_ReadRequest__Output, _mesh_v1_ReadAnswer__Output>
  SignLeaf: MethodDefinition<_mesh_v1_SignLeafRequest, _mesh_v1_LeafCertificate, _mesh_v1_SignLeafRequest__Output, _mesh_v1_LeafCertificate__Output>
  Write: MethodDefinition<_mesh_v1_WriteRequest, _mesh_v1_WriteAnswer, _mesh_v1_WriteRequest__Output, _mesh_v1_WriteAnswer__Output>
}
