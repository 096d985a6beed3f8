// Whether a request may come in: refused with 503 and Retry-After before memory or disk run out, never after.
import { statfs } from 'node:fs/promises';
import { TillstreamError } from '../model/errors.ts';

export interface AdmissionLimits {
  /** Bodies being read or stored at once; each may take five times its size in memory while it is parsed. */
  readonly bodyBytesInFlightMax: number;
  /** Requests whose body is there and that wait for their commit. */
  readonly requestsInFlightMax: number;
  /** Left free on the data directory's disk, so that the stores can still take what was accepted. */
  readonly diskReserveBytes: number;
}

/** How often the disk is looked at; at 100 MB/s it loses 50 MB in between. */
const DISK_LOOK_MS = 500;

/** What the stream says of itself. */
export interface Fillable {
  /** Why nothing can be appended now; null while there is room. */
  fullBecause(): TillstreamError | null;
}

/**
 * The place of a request. What a slow client has only announced takes none of the room that others need: bytes count as they
 * come, and a request counts once its body is there.
 */
export interface Place {
  /** The body takes so many bytes by now. @throws overloaded */
  hold(bytes: number): void;
  /** The body is there, and is being stored from now on. @throws overloaded */
  begin(): void;
  /** The request is answered, or its sender has gone. Once more does nothing. */
  leave(): void;
}

export class Admission {
  readonly limits: AdmissionLimits;
  readonly #directory: string;
  readonly #stream: Fillable;
  #bytes = 0;
  #requests = 0;
  #freeBytes = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(directory: string, limits: AdmissionLimits, stream: Fillable) {
    this.#directory = directory;
    this.#stream = stream;
    this.limits = limits;
  }

  /** Starts watching the disk. */
  async open(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), DISK_LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    this.#closing = true;
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Why nothing is accepted now; null when the door is open. The one answer: of the door, /v1/status and /readyz. */
  closedBecause(): TillstreamError | null {
    if (this.#closing) {
      return new TillstreamError('shutting_down', 'The platform is shutting down.', { retryAfterSeconds: 5 });
    }
    if (this.#freeBytes < this.limits.diskReserveBytes) {
      return new TillstreamError(
        'disk_low',
        `The disk has ${megabytes(this.#freeBytes)} MB free; ${megabytes(this.limits.diskReserveBytes)} MB are kept for what was accepted before.`,
        { hint: 'Make room on the disk of the data directory; accepting goes on by itself.', retryAfterSeconds: 30 },
      );
    }
    return this.#stream.fullBecause();
  }

  /** @throws disk_low, shutting_down, stream_full */
  admit(): Place {
    const closed = this.closedBecause();
    if (closed !== null) throw closed;
    let held = 0;
    let begun = 0;
    return {
      hold: (bytes) => {
        const others = this.#bytes - held;
        if (others > 0 && others + bytes > this.limits.bodyBytesInFlightMax) throw this.#overloaded();
        this.#bytes = others + bytes;
        held = bytes;
      },
      begin: () => {
        if (this.#requests >= this.limits.requestsInFlightMax) throw this.#overloaded();
        this.#requests += 1;
        begun = 1;
      },
      leave: () => {
        this.#bytes -= held;
        this.#requests -= begun;
        held = 0;
        begun = 0;
      },
    };
  }

  #overloaded(): TillstreamError {
    return new TillstreamError(
      'overloaded',
      `${this.#requests} requests are being stored, and bodies of ${megabytes(this.#bytes)} MB are here; that is all at once.`,
      { retryAfterSeconds: 1 },
    );
  }

  async #look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#directory);
      this.#freeBytes = bavail * bsize;
    } catch {
      this.#freeBytes = 0; // a data directory that cannot be looked at cannot be written
    }
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}
