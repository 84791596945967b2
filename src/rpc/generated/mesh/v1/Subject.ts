// Original file: mesh.proto


export interface Subject {
  'topic'?: (string);
  'key'?: (string);
}

export interface Subject__Output {
  'topic': (string);
  'key': (string);
}
