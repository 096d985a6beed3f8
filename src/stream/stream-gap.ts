// Whether a store can go on with a stream: what was removed from the stream, or was never on it, is never skipped.
import type { Checkpoint } from '../model/checkpoint.ts';
import { TillstreamError } from '../model/errors.ts';
import type { StoreName } from '../pipelines/pipeline.ts';
import type { StreamBounds } from './event-stream.ts';

/** null when the store can go on from its checkpoint (null: a new store). */
export function streamGap(
  store: StoreName,
  checkpoint: Checkpoint | null,
  stream: StreamBounds & { readonly id: string },
): TillstreamError | null {
  const reason = gapBetween(checkpoint, stream);
  if (reason === null) return null;
  return new TillstreamError('stream_gap', `The ${store} store ${reason}.`, { hint: wayOut(store) });
}

/** A store that holds nothing, although imports have brought lines, which are not on the stream. */
export function importsGap(store: StoreName): TillstreamError {
  const message = `The ${store} store is new, but imports have brought lines, which are not on the stream.`;
  return new TillstreamError('stream_gap', message, { hint: wayOut(store) });
}

/** The lake is what the other stores are built from. */
function wayOut(store: StoreName): string {
  if (store === 'lake') return 'Nothing was skipped. Put the lake back as it was, or from a backup, and start again.';
  return (
    'Nothing was skipped and nothing is lost: the lake has every line. ' +
    `tillstream rebuild ${store} builds the store anew from it; or put the store back as it was and start again.`
  );
}

/** Why a store cannot go on with a stream, as the end of a sentence; null when it can. */
function gapBetween(checkpoint: Checkpoint | null, stream: StreamBounds & { readonly id: string }): string | null {
  if (checkpoint === null) {
    return stream.trimmed === null ? null : `is new, but the stream no longer has its records up to ${stream.trimmed}`;
  }
  if (checkpoint.streamId !== stream.id) {
    return `belongs to another stream (${checkpoint.streamId}; this one is ${stream.id})`;
  }
  if (stream.newest === null || checkpoint.sequence > stream.newest) {
    return `is ahead of the stream (${checkpoint.sequence}; its newest record is ${stream.newest ?? 'none'})`;
  }
  if (stream.trimmed !== null && checkpoint.sequence < stream.trimmed) {
    return `is at ${checkpoint.sequence}, but the stream no longer has its records up to ${stream.trimmed}`;
  }
  return null;
}
