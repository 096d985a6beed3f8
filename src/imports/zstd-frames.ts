// Whether a zstd file is whole. What DuckDB reads of one that was cut off in the middle ends there, without a word.
import { closeSync, openSync, readSync } from 'node:fs';

const FRAME = 0xfd2fb528;
/** Of frames without content: sixteen magic numbers. */
const SKIPPED = 0x184d2a50;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** What a header is at most, of a frame. */
const HEADER_BYTES_MAX = 18;
const RLE = 1;
const RESERVED = 3;

/** Goes from block to block, by their lengths. Format: RFC 8878, sections 3.1.1 and 3.1.2. */
export function isWholeZstd(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    return endsWithFrame(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function endsWithFrame(descriptor: number): boolean {
  const buffer = Buffer.alloc(HEADER_BYTES_MAX);
  /** How many of the bytes there are; the rest is 0. */
  const read = (at: number, bytes: number): number => readSync(descriptor, buffer.fill(0), 0, bytes, at);
  let at = 0;
  for (let length = read(at, HEADER_BYTES_MAX); length > 0; length = read(at, HEADER_BYTES_MAX)) {
    const magic = buffer.readUInt32LE();
    if (Math.floor(magic / 16) === SKIPPED / 16) {
      at += 8 + buffer.readUInt32LE(4);
    } else if (magic === FRAME) {
      const hasChecksum = ((buffer[4] ?? 0) & 4) !== 0;
      at += headerBytes(buffer[4] ?? 0);
      for (let isLast = false; !isLast; ) {
        if (read(at, BLOCK_HEADER_BYTES) < BLOCK_HEADER_BYTES) return false;
        const header = buffer.readUIntLE(0, BLOCK_HEADER_BYTES);
        const kind = (header >> 1) & 3;
        if (kind === RESERVED) return false;
        isLast = (header & 1) === 1;
        at += BLOCK_HEADER_BYTES + (kind === RLE ? 1 : header >> 3);
      }
      if (hasChecksum) at += CHECKSUM_BYTES;
    } else return false;
    if (read(at - 1, 1) === 0) return false;
  }
  return at > 0;
}

function headerBytes(description: number): number {
  const isSingleSegment = ((description >> 5) & 1) === 1;
  const dictionaryBytes = [0, 1, 2, 4][description & 3] ?? 0;
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][description >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
}
