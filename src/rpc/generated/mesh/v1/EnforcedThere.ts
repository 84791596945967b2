// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface EnforcedThere {
  'destination'?: (string);
  'node'?: (string);
  'indexes'?: (number | string | Long)[];
  'rulesIndex'?: (number | string | Long);
}

export interface EnforcedThere__Output {
  'destination': (string);
  'node': (string);
  'indexes': (number)[];
  'rulesIndex': (number);
}
