// Original file: mesh.proto


export interface Servers {
  'addresses'?: (string)[];
}

export interface Servers__Output {
  'addresses': (string)[];
}
