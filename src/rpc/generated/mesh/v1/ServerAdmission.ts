// Original file: mesh.proto


export interface ServerAdmission {
  'certificatePem'?: (string);
  'clusterKey'?: (Buffer | Uint8Array | string);
  'clusterId'?: (string);
  'datacenter'?: (string);
  'hostRootsJson'?: (Buffer | Uint8Array | string);
  'serviceRootsJson'?: (Buffer | Uint8Array | string);
}

export interface ServerAdmission__Output {
  'certificatePem': (string);
  'clusterKey': (Buffer);
  'clusterId': (string);
  'datacenter': (string);
  'hostRootsJson': (Buffer);
  'serviceRootsJson': (Buffer);
}
