// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface WriteAnswer {
  'index'?: (number | string | Long);
  'valueJson'?: (Buffer | Uint8Array | string);
}

export interface WriteAnswer__Output {
  'index': (number);
  'valueJson': (Buffer);
}
