// Original file: mesh.proto


export interface EnrollServerRequest {
  'secret'?: (string);
  'node'?: (string);
  'serverId'?: (string);
  'address'?: (string);
  'csr'?: (Buffer | Uint8Array | string);
}

export interface EnrollServerRequest__Output {
  'secret': (string);
  'node': (string);
  'serverId': (string);
  'address': (string);
  'csr': (Buffer);
}
