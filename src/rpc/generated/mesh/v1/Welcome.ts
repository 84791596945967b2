// Original file: mesh.proto


export interface Welcome {
  'server'?: (string);
  'version'?: (string);
  'linkVersion'?: (number);
}

export interface Welcome__Output {
  'server': (string);
  'version': (string);
  'linkVersion': (number);
}
