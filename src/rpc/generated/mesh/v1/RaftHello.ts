// Original file: mesh.proto


export interface RaftHello {
  'from'?: (string);
  'to'?: (string);
  'address'?: (string);
  'version'?: (string);
  'featureLevel'?: (number);
}

export interface RaftHello__Output {
  'from': (string);
  'to': (string);
  'address': (string);
  'version': (string);
  'featureLevel': (number);
}
