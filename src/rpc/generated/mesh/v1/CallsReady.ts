// Original file: mesh.proto


export interface CallsReady {
  'waits'?: (boolean);
}

export interface CallsReady__Output {
  'waits': (boolean);
}
