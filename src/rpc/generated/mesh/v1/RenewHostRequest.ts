// Original file: mesh.proto


export interface RenewHostRequest {
  'csr'?: (Buffer | Uint8Array | string);
}

export interface RenewHostRequest__Output {
  'csr': (Buffer);
}
