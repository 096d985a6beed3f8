// zstd, byte for byte as it was packed, or refused: damaged, cut off in the middle, or packed with a window that no memory is
// kept for. Node 20 has none of its own. Format: RFC 8878, section 3.1.
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { Decompress } from 'fzstd';
import xxhash from 'xxhash-wasm';
import { messageOf, TillstreamError } from '../model/errors.ts';

const FRAME = 0xfd2fb528;
/** Of frames without content: sixteen magic numbers. */
const SKIPPED = 0x184d2a50;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** What a header is at most, of a frame. */
const HEADER_BYTES_MAX = 18;
const RLE = 1;
const RESERVED = 3;
const PIECE_BYTES = 2 ** 18;

/** Of the file, from the first byte to the one after the last. */
interface Frame {
  readonly start: number;
  readonly end: number;
  readonly hasChecksum: boolean;
}

export interface Unpacking {
  /** For messages. */
  readonly name: string;
  /** Called again and again; what it throws ends the unpacking. */
  readonly checkpoint: () => Promise<void>;
}

/** @throws not_a_csv; what checkpoint() throws */
export async function unpackZstd(file: string, to: string, { name, checkpoint }: Unpacking): Promise<void> {
  const { create64 } = await xxhash();
  const from = openSync(file, 'r');
  const target = openSync(to, 'w');
  try {
    for (const frame of frames(from, name)) {
      const hash = create64();
      const unpacked = new Decompress((bytes) => {
        hash.update(bytes);
        writeFileSync(target, bytes);
      });
      for (let at = frame.start; at < frame.end; at += PIECE_BYTES) {
        await checkpoint();
        const end = Math.min(frame.end, at + PIECE_BYTES);
        inForm(name, () => unpacked.push(bytesAt(from, at, end - at), end === frame.end));
      }
      if (!frame.hasChecksum) continue;
      const checksum = bytesAt(from, frame.end - CHECKSUM_BYTES, CHECKSUM_BYTES).readUInt32LE();
      if (Number(hash.digest() & 0xffffffffn) !== checksum) throw damaged(name, 'its checksum is of other bytes');
    }
  } finally {
    closeSync(from);
    closeSync(target);
  }
}

/** Those with content, found by the lengths of their blocks. @throws not_a_csv */
function* frames(descriptor: number, name: string): Generator<Frame> {
  let start = 0;
  for (let head = bytesAt(descriptor, 0, HEADER_BYTES_MAX); head.length > 0; ) {
    const magic = head.length < 5 ? 0 : head.readUInt32LE();
    let end = start;
    if (magic === FRAME) {
      end += headerBytes(head[4] ?? 0);
      for (let isLast = false; !isLast; ) {
        const header = bytesAt(descriptor, end, BLOCK_HEADER_BYTES);
        if (header.length < BLOCK_HEADER_BYTES) throw damaged(name, 'it ends in the middle');
        const bits = header.readUIntLE(0, BLOCK_HEADER_BYTES);
        const kind = (bits >> 1) & 3;
        if (kind === RESERVED) throw damaged(name, `at byte ${end}`);
        isLast = (bits & 1) === 1;
        end += BLOCK_HEADER_BYTES + (kind === RLE ? 1 : bits >> 3);
      }
      const hasChecksum = ((head[4] ?? 0) & 4) !== 0;
      if (hasChecksum) end += CHECKSUM_BYTES;
      if (bytesAt(descriptor, end - 1, 1).length === 0) throw damaged(name, 'it ends in the middle');
      yield { start, end, hasChecksum };
    } else if (Math.floor(magic / 16) === SKIPPED / 16) {
      end += 8 + (head.length < 8 ? 0 : head.readUInt32LE(4));
    } else throw damaged(name, `at byte ${start}`);
    start = end;
    head = bytesAt(descriptor, start, HEADER_BYTES_MAX);
  }
}

function headerBytes(description: number): number {
  const isSingleSegment = ((description >> 5) & 1) === 1;
  const dictionaryBytes = [0, 1, 2, 4][description & 3] ?? 0;
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][description >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
}

/** Fewer where the file ends. */
function bytesAt(descriptor: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, at));
}

function inForm(name: string, unpack: () => void): void {
  try {
    unpack();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw error; // of the file system
    throw damaged(name, messageOf(error));
  }
}

function damaged(name: string, how: string): TillstreamError {
  return new TillstreamError('not_a_csv', `${name} is damaged: ${how}.`, {
    hint: 'Send it again, or unpack it with zstd -d to see what is left of it.',
  });
}
