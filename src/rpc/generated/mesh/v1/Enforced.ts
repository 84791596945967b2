// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface Enforced {
  'destination'?: (string);
  'indexes'?: (number | string | Long)[];
}

export interface Enforced__Output {
  'destination': (string);
  'indexes': (number)[];
}
