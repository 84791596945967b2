// Original file: mesh.proto


export interface EnrollRequest {
  'secret'?: (string);
  'node'?: (string);
  'nodeId'?: (string);
  'csr'?: (Buffer | Uint8Array | string);
}

export interface EnrollRequest__Output {
  'secret': (string);
  'node': (string);
  'nodeId': (string);
  'csr': (Buffer);
}
