// Original file: mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { EnrollRequest as _mesh_v1_EnrollRequest, EnrollRequest__Output as _mesh_v1_EnrollRequest__Output } from '../../mesh/v1/EnrollRequest.ts';
import type { EnrollServerRequest as _mesh_v1_EnrollServerRequest, EnrollServerRequest__Output as _mesh_v1_EnrollServerRequest__Output } from '../../mesh/v1/EnrollServerRequest.ts';
import type { FederateAnswer as _mesh_v1_FederateAnswer, FederateAnswer__Output as _mesh_v1_FederateAnswer__Output } from '../../mesh/v1/FederateAnswer.ts';
import type { FederateRequest as _mesh_v1_FederateRequest, FederateRequest__Output as _mesh_v1_FederateRequest__Output } from '../../mesh/v1/FederateRequest.ts';
import type { HostCertificate as _mesh_v1_HostCertificate, HostCertificate__Output as _mesh_v1_HostCertificate__Output } from '../../mesh/v1/HostCertificate.ts';
import type { RenewHostRequest as _mesh_v1_RenewHostRequest, RenewHostRequest__Output as _mesh_v1_RenewHostRequest__Output } from '../../mesh/v1/RenewHostRequest.ts';
import type { ServerAdmission as _mesh_v1_ServerAdmission, ServerAdmission__Output as _mesh_v1_ServerAdmission__Output } from '../../mesh/v1/ServerAdmission.ts';

export interface EnrollmentClient extends grpc.Client {
  Enroll(argument: _mesh_v1_EnrollRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  Enroll(argument: _mesh_v1_EnrollRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  Enroll(argument: _mesh_v1_EnrollRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  Enroll(argument: _mesh_v1_EnrollRequest, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  enroll(argument: _mesh_v1_EnrollRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  enroll(argument: _mesh_v1_EnrollRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  enroll(argument: _mesh_v1_EnrollRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  enroll(argument: _mesh_v1_EnrollRequest, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  
  EnrollServer(argument: _mesh_v1_EnrollServerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  EnrollServer(argument: _mesh_v1_EnrollServerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  EnrollServer(argument: _mesh_v1_EnrollServerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  EnrollServer(argument: _mesh_v1_EnrollServerRequest, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  enrollServer(argument: _mesh_v1_EnrollServerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  enrollServer(argument: _mesh_v1_EnrollServerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  enrollServer(argument: _mesh_v1_EnrollServerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  enrollServer(argument: _mesh_v1_EnrollServerRequest, callback: grpc.requestCallback<_mesh_v1_ServerAdmission__Output>): grpc.ClientUnaryCall;
  
  Federate(argument: _mesh_v1_FederateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  Federate(argument: _mesh_v1_FederateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  Federate(argument: _mesh_v1_FederateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  Federate(argument: _mesh_v1_FederateRequest, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  federate(argument: _mesh_v1_FederateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  federate(argument: _mesh_v1_FederateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  federate(argument: _mesh_v1_FederateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  federate(argument: _mesh_v1_FederateRequest, callback: grpc.requestCallback<_mesh_v1_FederateAnswer__Output>): grpc.ClientUnaryCall;
  
  RenewHost(argument: _mesh_v1_RenewHostRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  RenewHost(argument: _mesh_v1_RenewHostRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  RenewHost(argument: _mesh_v1_RenewHostRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  RenewHost(argument: _mesh_v1_RenewHostRequest, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  renewHost(argument: _mesh_v1_RenewHostRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  renewHost(argument: _mesh_v1_RenewHostRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  renewHost(argument: _mesh_v1_RenewHostRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  renewHost(argument: _mesh_v1_RenewHostRequest, callback: grpc.requestCallback<_mesh_v1_HostCertificate__Output>): grpc.ClientUnaryCall;
  
}

export interface EnrollmentHandlers extends grpc.UntypedServiceImplementation {
  Enroll: grpc.handleUnaryCall<_mesh_v1_EnrollRequest__Output, _mesh_v1_HostCertificate>;
  
  EnrollServer: grpc.handleUnaryCall<_mesh_v1_EnrollServerRequest__Output, _mesh_v1_ServerAdmission>;
  
  Federate: grpc.handleUnaryCall<_mesh_v1_FederateRequest__Output, _mesh_v1_FederateAnswer>;
  
  RenewHost: grpc.handleUnaryCall<_mesh_v1_RenewHostRequest__Output, _mesh_v1_HostCertificate>;
  
}

export interface EnrollmentDefinition extends grpc.ServiceDefinition {
  Enroll: MethodDefinition<_mesh_v1_EnrollRequest, _mesh_v1_HostCertificate, _mesh_v1_EnrollRequest__Output, _mesh_v1_HostCertificate__Output>
  EnrollServer: MethodDefinition<_mesh_v1_EnrollServerRequest, _mesh_v1_ServerAdmission, _mesh_v1_EnrollServerRequest__Output, _mesh_v1_ServerAdmission__Output>
  Federate: MethodDefinition<_mesh_v1_FederateRequest, _mesh_v1_FederateAnswer, _mesh_v1_FederateRequest__Output, _mesh_v1_FederateAnswer__Output>
  RenewHost: MethodDefinition<_mesh_v1_RenewHostRequest, _mesh_v1_HostCertificate, _mesh_v1_RenewHostRequest__Output, _mesh_v1_HostCertificate__Output>
}
