// Original file: mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface LeafCertificate {
  'certificatePem'?: (string);
  'serialNumber'?: (string);
  'notBeforeMs'?: (number | string | Long);
  'notAfterMs'?: (number | string | Long);
}

export interface LeafCertificate__Output {
  'certificatePem': (string);
  'serialNumber': (string);
  'notBeforeMs': (number);
  'notAfterMs': (number);
}
