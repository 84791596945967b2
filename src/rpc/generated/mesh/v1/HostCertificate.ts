// Original file: mesh.proto


export interface HostCertificate {
  'certificatePem'?: (string);
  'clusterId'?: (string);
  'datacenter'?: (string);
  'hostRootsJson'?: (Buffer | Uint8Array | string);
  'serviceRootsJson'?: (Buffer | Uint8Array | string);
  'services'?: (string)[];
  'gossipKeys'?: (string)[];
}

export interface HostCertificate__Output {
  'certificatePem': (string);
  'clusterId': (string);
  'datacenter': (string);
  'hostRootsJson': (Buffer);
  'serviceRootsJson': (Buffer);
  'services': (string)[];
  'gossipKeys': (string)[];
}
