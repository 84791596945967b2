// Original file: mesh.proto


export interface OperationAnswer {
  'answerJson'?: (Buffer | Uint8Array | string);
  'data'?: (Buffer | Uint8Array | string);
}

export interface OperationAnswer__Output {
  'answerJson': (Buffer);
  'data': (Buffer);
}
