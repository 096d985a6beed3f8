// A frame: all records of one commit as one value of LMDB, so that a commit costs one put whatever its size.
//
// Value: count × u32 length, little-endian | the records' bytes.
// Key, big-endian so that keys order by it: u64 number of the first record | u32 count | u64 arrival, ms since 1970 |
// u32 bytes of the value: retention decides by keys alone.
import type { NewRecord } from './event-stream.ts';

/** A frame takes what waits, to this size: large enough to fill a disk's writes, small enough to keep latency. */
export const FRAME_BYTES_MAX = 4 * 2 ** 20;

const KEY_BYTES = 24;
/** Of one record's length. */
const LENGTH_BYTES = 4;

export interface FrameKey {
  readonly first: number;
  readonly count: number;
  readonly arrivedAtMs: number;
  readonly bytes: number;
}

export function encodeKey({ first, count, arrivedAtMs, bytes }: FrameKey): Buffer {
  const key = Buffer.allocUnsafeSlow(KEY_BYTES);
  key.writeBigUInt64BE(BigInt(first), 0);
  key.writeUInt32BE(count, 8);
  key.writeBigUInt64BE(BigInt(arrivedAtMs), 12);
  key.writeUInt32BE(bytes, 20);
  return key;
}

export function decodeKey(bytes: Uint8Array): FrameKey {
  const key = bufferOf(bytes);
  return {
    first: Number(key.readBigUInt64BE(0)),
    count: key.readUInt32BE(8),
    arrivedAtMs: Number(key.readBigUInt64BE(12)),
    bytes: key.readUInt32BE(20),
  };
}

/** The same memory. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** No key of a frame that starts at or before `record` comes after it. */
export function keyAfter(record: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES, 0xff);
  key.writeBigUInt64BE(BigInt(record), 0);
  return key;
}

export function encodeFrame(records: readonly NewRecord[]): Buffer<ArrayBuffer> {
  let bytes = records.length * LENGTH_BYTES;
  for (const record of records) bytes += record.data.length;
  const frame = Buffer.allocUnsafeSlow(bytes);
  let lengthAt = 0;
  let dataAt = records.length * LENGTH_BYTES;
  for (const { data } of records) {
    frame.writeUInt32LE(data.length, lengthAt);
    frame.set(data, dataAt);
    lengthAt += LENGTH_BYTES;
    dataAt += data.length;
  }
  return frame;
}

/** One frame of all their records, in order; a single one stays as it is. */
export function joinFrames(parts: readonly { readonly frame: Uint8Array; readonly count: number }[]): Buffer {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return bufferOf(first.frame);
  const lengths = parts.map(({ frame, count }) => frame.subarray(0, count * LENGTH_BYTES));
  const data = parts.map(({ frame, count }) => frame.subarray(count * LENGTH_BYTES));
  return Buffer.concat([...lengths, ...data]);
}

/** The records of a frame, oldest first: views, not copies. */
export function* recordsOf(frame: Buffer, count: number): Generator<Buffer> {
  let dataAt = count * LENGTH_BYTES;
  for (let index = 0; index < count; index += 1) {
    const end = dataAt + frame.readUInt32LE(index * LENGTH_BYTES);
    yield frame.subarray(dataAt, end);
    dataAt = end;
  }
}
