// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface ForwardWritten {
  'id'?: (number | string | Long);
  'index'?: (number | string | Long);
  'valueJson'?: (Buffer | Uint8Array | string);
}

export interface ForwardWritten__Output {
  'id': (number);
  'index': (number);
  'valueJson': (Buffer);
}
