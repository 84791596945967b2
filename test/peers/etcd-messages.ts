// The few messages of etcd's v3 API that a test sends, in protobuf by hand (rpc.proto, package etcdserverpb).

export const putPath = '/etcdserverpb.KV/Put'
export const rangePath = '/etcdserverpb.KV/Range'

/** PutRequest: key = 1, value = 2. */
export function putMessage(key: string, value: Buffer): Buffer {
  return Buffer.concat([lengthDelimited(1, Buffer.from(key)), lengthDelimited(2, value)])
}

/** RangeRequest: key = 1, serializable = 7 (answered by the member that is asked, perhaps with an older state). */
export function rangeMessage(key: string, isSerializable: boolean): Buffer {
  const flag = isSerializable ? Buffer.from([(7 << 3) | 0, 1]) : Buffer.alloc(0)
  return Buffer.concat([lengthDelimited(1, Buffer.from(key)), flag])
}

function lengthDelimited(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes])
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
