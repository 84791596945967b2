import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentFrame as _mesh_v1_AgentFrame, AgentFrame__Output as _mesh_v1_AgentFrame__Output } from './mesh/v1/AgentFrame.ts';
import type { CallAnswer as _mesh_v1_CallAnswer, CallAnswer__Output as _mesh_v1_CallAnswer__Output } from './mesh/v1/CallAnswer.ts';
import type { CallApart as _mesh_v1_CallApart, CallApart__Output as _mesh_v1_CallApart__Output } from './mesh/v1/CallApart.ts';
import type { CallCancel as _mesh_v1_CallCancel, CallCancel__Output as _mesh_v1_CallCancel__Output } from './mesh/v1/CallCancel.ts';
import type { CallRequest as _mesh_v1_CallRequest, CallRequest__Output as _mesh_v1_CallRequest__Output } from './mesh/v1/CallRequest.ts';
import type { CallsReady as _mesh_v1_CallsReady, CallsReady__Output as _mesh_v1_CallsReady__Output } from './mesh/v1/CallsReady.ts';
import type { Enforced as _mesh_v1_Enforced, Enforced__Output as _mesh_v1_Enforced__Output } from './mesh/v1/Enforced.ts';
import type { EnforcedThere as _mesh_v1_EnforcedThere, EnforcedThere__Output as _mesh_v1_EnforcedThere__Output } from './mesh/v1/EnforcedThere.ts';
import type { EnrollRequest as _mesh_v1_EnrollRequest, EnrollRequest__Output as _mesh_v1_EnrollRequest__Output } from './mesh/v1/EnrollRequest.ts';
import type { EnrollServerRequest as _mesh_v1_EnrollServerRequest, EnrollServerRequest__Output as _mesh_v1_EnrollServerRequest__Output } from './mesh/v1/EnrollServerRequest.ts';
import type { EnrollmentClient as _mesh_v1_EnrollmentClient, EnrollmentDefinition as _mesh_v1_EnrollmentDefinition } from './mesh/v1/Enrollment.ts';
import type { Event as _mesh_v1_Event, Event__Output as _mesh_v1_Event__Output } from './mesh/v1/Event.ts';
import type { Failure as _mesh_v1_Failure, Failure__Output as _mesh_v1_Failure__Output } from './mesh/v1/Failure.ts';
import type { FederateAnswer as _mesh_v1_FederateAnswer, FederateAnswer__Output as _mesh_v1_FederateAnswer__Output } from './mesh/v1/FederateAnswer.ts';
import type { FederateRequest as _mesh_v1_FederateRequest, FederateRequest__Output as _mesh_v1_FederateRequest__Output } from './mesh/v1/FederateRequest.ts';
import type { ForwardClient as _mesh_v1_ForwardClient, ForwardDefinition as _mesh_v1_ForwardDefinition } from './mesh/v1/Forward.ts';
import type { ForwardAnswer as _mesh_v1_ForwardAnswer, ForwardAnswer__Output as _mesh_v1_ForwardAnswer__Output } from './mesh/v1/ForwardAnswer.ts';
import type { ForwardFrame as _mesh_v1_ForwardFrame, ForwardFrame__Output as _mesh_v1_ForwardFrame__Output } from './mesh/v1/ForwardFrame.ts';
import type { ForwardReady as _mesh_v1_ForwardReady, ForwardReady__Output as _mesh_v1_ForwardReady__Output } from './mesh/v1/ForwardReady.ts';
import type { ForwardRefused as _mesh_v1_ForwardRefused, ForwardRefused__Output as _mesh_v1_ForwardRefused__Output } from './mesh/v1/ForwardRefused.ts';
import type { ForwardWritten as _mesh_v1_ForwardWritten, ForwardWritten__Output as _mesh_v1_ForwardWritten__Output } from './mesh/v1/ForwardWritten.ts';
import type { Goaway as _mesh_v1_Goaway, Goaway__Output as _mesh_v1_Goaway__Output } from './mesh/v1/Goaway.ts';
import type { GossipKeys as _mesh_v1_GossipKeys, GossipKeys__Output as _mesh_v1_GossipKeys__Output } from './mesh/v1/GossipKeys.ts';
import type { Hello as _mesh_v1_Hello, Hello__Output as _mesh_v1_Hello__Output } from './mesh/v1/Hello.ts';
import type { HostCertificate as _mesh_v1_HostCertificate, HostCertificate__Output as _mesh_v1_HostCertificate__Output } from './mesh/v1/HostCertificate.ts';
import type { LeafCertificate as _mesh_v1_LeafCertificate, LeafCertificate__Output as _mesh_v1_LeafCertificate__Output } from './mesh/v1/LeafCertificate.ts';
import type { OperationAnswer as _mesh_v1_OperationAnswer, OperationAnswer__Output as _mesh_v1_OperationAnswer__Output } from './mesh/v1/OperationAnswer.ts';
import type { OperationRequest as _mesh_v1_OperationRequest, OperationRequest__Output as _mesh_v1_OperationRequest__Output } from './mesh/v1/OperationRequest.ts';
import type { OperatorClient as _mesh_v1_OperatorClient, OperatorDefinition as _mesh_v1_OperatorDefinition } from './mesh/v1/Operator.ts';
import type { PresenceClient as _mesh_v1_PresenceClient, PresenceDefinition as _mesh_v1_PresenceDefinition } from './mesh/v1/Presence.ts';
import type { PresenceAnswer as _mesh_v1_PresenceAnswer, PresenceAnswer__Output as _mesh_v1_PresenceAnswer__Output } from './mesh/v1/PresenceAnswer.ts';
import type { PresenceFrame as _mesh_v1_PresenceFrame, PresenceFrame__Output as _mesh_v1_PresenceFrame__Output } from './mesh/v1/PresenceFrame.ts';
import type { RaftClient as _mesh_v1_RaftClient, RaftDefinition as _mesh_v1_RaftDefinition } from './mesh/v1/Raft.ts';
import type { RaftFrame as _mesh_v1_RaftFrame, RaftFrame__Output as _mesh_v1_RaftFrame__Output } from './mesh/v1/RaftFrame.ts';
import type { RaftHello as _mesh_v1_RaftHello, RaftHello__Output as _mesh_v1_RaftHello__Output } from './mesh/v1/RaftHello.ts';
import type { ReadAnswer as _mesh_v1_ReadAnswer, ReadAnswer__Output as _mesh_v1_ReadAnswer__Output } from './mesh/v1/ReadAnswer.ts';
import type { ReadRequest as _mesh_v1_ReadRequest, ReadRequest__Output as _mesh_v1_ReadRequest__Output } from './mesh/v1/ReadRequest.ts';
import type { RenewHostRequest as _mesh_v1_RenewHostRequest, RenewHostRequest__Output as _mesh_v1_RenewHostRequest__Output } from './mesh/v1/RenewHostRequest.ts';
import type { ServerClient as _mesh_v1_ServerClient, ServerDefinition as _mesh_v1_ServerDefinition } from './mesh/v1/Server.ts';
import type { ServerAdmission as _mesh_v1_ServerAdmission, ServerAdmission__Output as _mesh_v1_ServerAdmission__Output } from './mesh/v1/ServerAdmission.ts';
import type { ServerFrame as _mesh_v1_ServerFrame, ServerFrame__Output as _mesh_v1_ServerFrame__Output } from './mesh/v1/ServerFrame.ts';
import type { Servers as _mesh_v1_Servers, Servers__Output as _mesh_v1_Servers__Output } from './mesh/v1/Servers.ts';
import type { SignLeafRequest as _mesh_v1_SignLeafRequest, SignLeafRequest__Output as _mesh_v1_SignLeafRequest__Output } from './mesh/v1/SignLeafRequest.ts';
import type { SnapshotEnd as _mesh_v1_SnapshotEnd, SnapshotEnd__Output as _mesh_v1_SnapshotEnd__Output } from './mesh/v1/SnapshotEnd.ts';
import type { Subject as _mesh_v1_Subject, Subject__Output as _mesh_v1_Subject__Output } from './mesh/v1/Subject.ts';
import type { Subscribe as _mesh_v1_Subscribe, Subscribe__Output as _mesh_v1_Subscribe__Output } from './mesh/v1/Subscribe.ts';
import type { Welcome as _mesh_v1_Welcome, Welcome__Output as _mesh_v1_Welcome__Output } from './mesh/v1/Welcome.ts';
import type { WriteAnswer as _mesh_v1_WriteAnswer, WriteAnswer__Output as _mesh_v1_WriteAnswer__Output } from './mesh/v1/WriteAnswer.ts';
import type { WriteRequest as _mesh_v1_WriteRequest, WriteRequest__Output as _mesh_v1_WriteRequest__Output } from './mesh/v1/WriteRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  mesh: {
    v1: {
      AgentFrame: MessageTypeDefinition<_mesh_v1_AgentFrame, _mesh_v1_AgentFrame__Output>
      CallAnswer: MessageTypeDefinition<_mesh_v1_CallAnswer, _mesh_v1_CallAnswer__Output>
      CallApart: MessageTypeDefinition<_mesh_v1_CallApart, _mesh_v1_CallApart__Output>
      CallCancel: MessageTypeDefinition<_mesh_v1_CallCancel, _mesh_v1_CallCancel__Output>
      CallRequest: MessageTypeDefinition<_mesh_v1_CallRequest, _mesh_v1_CallRequest__Output>
      CallsReady: MessageTypeDefinition<_mesh_v1_CallsReady, _mesh_v1_CallsReady__Output>
      Enforced: MessageTypeDefinition<_mesh_v1_Enforced, _mesh_v1_Enforced__Output>
      EnforcedThere: MessageTypeDefinition<_mesh_v1_EnforcedThere, _mesh_v1_EnforcedThere__Output>
      EnrollRequest: MessageTypeDefinition<_mesh_v1_EnrollRequest, _mesh_v1_EnrollRequest__Output>
      EnrollServerRequest: MessageTypeDefinition<_mesh_v1_EnrollServerRequest, _mesh_v1_EnrollServerRequest__Output>
      Enrollment: SubtypeConstructor<typeof grpc.Client, _mesh_v1_EnrollmentClient> & { service: _mesh_v1_EnrollmentDefinition }
      Event: MessageTypeDefinition<_mesh_v1_Event, _mesh_v1_Event__Output>
      Failure: MessageTypeDefinition<_mesh_v1_Failure, _mesh_v1_Failure__Output>
      FederateAnswer: MessageTypeDefinition<_mesh_v1_FederateAnswer, _mesh_v1_FederateAnswer__Output>
      FederateRequest: MessageTypeDefinition<_mesh_v1_FederateRequest, _mesh_v1_FederateRequest__Output>
      Forward: SubtypeConstructor<typeof grpc.Client, _mesh_v1_ForwardClient> & { service: _mesh_v1_ForwardDefinition }
      ForwardAnswer: MessageTypeDefinition<_mesh_v1_ForwardAnswer, _mesh_v1_ForwardAnswer__Output>
      ForwardFrame: MessageTypeDefinition<_mesh_v1_ForwardFrame, _mesh_v1_ForwardFrame__Output>
      ForwardReady: MessageTypeDefinition<_mesh_v1_ForwardReady, _mesh_v1_ForwardReady__Output>
      ForwardRefused: MessageTypeDefinition<_mesh_v1_ForwardRefused, _mesh_v1_ForwardRefused__Output>
      ForwardWritten: MessageTypeDefinition<_mesh_v1_ForwardWritten, _mesh_v1_ForwardWritten__Output>
      Goaway: MessageTypeDefinition<_mesh_v1_Goaway, _mesh_v1_Goaway__Output>
      GossipKeys: MessageTypeDefinition<_mesh_v1_GossipKeys, _mesh_v1_GossipKeys__Output>
      Hello: MessageTypeDefinition<_mesh_v1_Hello, _mesh_v1_Hello__Output>
      HostCertificate: MessageTypeDefinition<_mesh_v1_HostCertificate, _mesh_v1_HostCertificate__Output>
      LeafCertificate: MessageTypeDefinition<_mesh_v1_LeafCertificate, _mesh_v1_LeafCertificate__Output>
      OperationAnswer: MessageTypeDefinition<_mesh_v1_OperationAnswer, _mesh_v1_OperationAnswer__Output>
      OperationRequest: MessageTypeDefinition<_mesh_v1_OperationRequest, _mesh_v1_OperationRequest__Output>
      Operator: SubtypeConstructor<typeof grpc.Client, _mesh_v1_OperatorClient> & { service: _mesh_v1_OperatorDefinition }
      Presence: SubtypeConstructor<typeof grpc.Client, _mesh_v1_PresenceClient> & { service: _mesh_v1_PresenceDefinition }
      PresenceAnswer: MessageTypeDefinition<_mesh_v1_PresenceAnswer, _mesh_v1_PresenceAnswer__Output>
      PresenceFrame: MessageTypeDefinition<_mesh_v1_PresenceFrame, _mesh_v1_PresenceFrame__Output>
      Raft: SubtypeConstructor<typeof grpc.Client, _mesh_v1_RaftClient> & { service: _mesh_v1_RaftDefinition }
      RaftFrame: MessageTypeDefinition<_mesh_v1_RaftFrame, _mesh_v1_RaftFrame__Output>
      RaftHello: MessageTypeDefinition<_mesh_v1_RaftHello, _mesh_v1_RaftHello__Output>
      ReadAnswer: MessageTypeDefinition<_mesh_v1_ReadAnswer, _mesh_v1_ReadAnswer__Output>
      ReadRequest: MessageTypeDefinition<_mesh_v1_ReadRequest, _mesh_v1_ReadRequest__Output>
      RenewHostRequest: MessageTypeDefinition<_mesh_v1_RenewHostRequest, _mesh_v1_RenewHostRequest__Output>
      Server: SubtypeConstructor<typeof grpc.Client, _mesh_v1_ServerClient> & { service: _mesh_v1_ServerDefinition }
      ServerAdmission: MessageTypeDefinition<_mesh_v1_ServerAdmission, _mesh_v1_ServerAdmission__Output>
      ServerFrame: MessageTypeDefinition<_mesh_v1_ServerFrame, _mesh_v1_ServerFrame__Output>
      Servers: MessageTypeDefinition<_mesh_v1_Servers, _mesh_v1_Servers__Output>
      SignLeafRequest: MessageTypeDefinition<_mesh_v1_SignLeafRequest, _mesh_v1_SignLeafRequest__Output>
      SnapshotEnd: MessageTypeDefinition<_mesh_v1_SnapshotEnd, _mesh_v1_SnapshotEnd__Output>
      Subject: MessageTypeDefinition<_mesh_v1_Subject, _mesh_v1_Subject__Output>
      Subscribe: MessageTypeDefinition<_mesh_v1_Subscribe, _mesh_v1_Subscribe__Output>
      Welcome: MessageTypeDefinition<_mesh_v1_Welcome, _mesh_v1_Welcome__Output>
      WriteAnswer: MessageTypeDefinition<_mesh_v1_WriteAnswer, _mesh_v1_WriteAnswer__Output>
      WriteRequest: MessageTypeDefinition<_mesh_v1_WriteRequest, _mesh_v1_WriteRequest__Output>
    }
  }
}

