// Original file: mesh.proto


export interface WriteRequest {
  'token'?: (string);
  'commandJson'?: (Buffer | Uint8Array | string);
  'datacenter'?: (string);
  'operator'?: (string);
}

export interface WriteRequest__Output {
  'token': (string);
  'commandJson': (Buffer);
  'datacenter': (string);
  'operator': (string);
}
