// Original file: mesh.proto


export interface FederateAnswer {
  'factsJson'?: (Buffer | Uint8Array | string);
}

export interface FederateAnswer__Output {
  'factsJson': (Buffer);
}
