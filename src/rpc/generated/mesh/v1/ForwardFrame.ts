// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface ForwardFrame {
  'id'?: (number | string | Long);
  'envelope'?: (Buffer | Uint8Array | string);
}

export interface ForwardFrame__Output {
  'id': (number);
  'envelope': (Buffer);
}
