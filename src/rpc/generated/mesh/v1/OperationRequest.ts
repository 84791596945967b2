// Original file: mesh.proto


export interface OperationRequest {
  'token'?: (string);
  'name'?: (string);
  'argsJson'?: (Buffer | Uint8Array | string);
  'data'?: (Buffer | Uint8Array | string);
}

export interface OperationRequest__Output {
  'token': (string);
  'name': (string);
  'argsJson': (Buffer);
  'data': (Buffer);
}
