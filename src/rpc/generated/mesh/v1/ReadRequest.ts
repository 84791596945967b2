// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadRequest {
  'token'?: (string);
  'name'?: (string);
  'argsJson'?: (Buffer | Uint8Array | string);
  'consistency'?: (string);
  'minIndex'?: (number | string | Long);
  'waitMs'?: (number);
  'datacenter'?: (string);
}

export interface ReadRequest__Output {
  'token': (string);
  'name': (string);
  'argsJson': (Buffer);
  'consistency': (string);
  'minIndex': (number);
  'waitMs': (number);
  'datacenter': (string);
}
