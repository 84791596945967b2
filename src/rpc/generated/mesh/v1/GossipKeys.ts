// Original file: mesh.proto


export interface GossipKeys {
  'keys'?: (string)[];
}

export interface GossipKeys__Output {
  'keys': (string)[];
}
