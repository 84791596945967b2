// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadAnswer {
  'index'?: (number | string | Long);
  'knownLeader'?: (boolean);
  'lastContactMs'?: (number | string | Long);
  'effective'?: (string);
  'answerJson'?: (Buffer | Uint8Array | string);
}

export interface ReadAnswer__Output {
  'index': (number);
  'knownLeader': (boolean);
  'lastContactMs': (number);
  'effective': (string);
  'answerJson': (Buffer);
}
