// Original file: mesh.proto


export interface Hello {
  'node'?: (string);
  'nodeId'?: (string);
  'version'?: (string);
  'minVersion'?: (number);
  'maxVersion'?: (number);
}

export interface Hello__Output {
  'node': (string);
  'nodeId': (string);
  'version': (string);
  'minVersion': (number);
  'maxVersion': (number);
}
