// Original file: mesh.proto


export interface FederateRequest {
  'secret'?: (string);
  'factsJson'?: (Buffer | Uint8Array | string);
}

export interface FederateRequest__Output {
  'secret': (string);
  'factsJson': (Buffer);
}
