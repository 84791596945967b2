// Original file: mesh.proto


export interface SignLeafRequest {
  'service'?: (string);
  'csr'?: (Buffer | Uint8Array | string);
}

export interface SignLeafRequest__Output {
  'service': (string);
  'csr': (Buffer);
}
