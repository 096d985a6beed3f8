// GET /v1/live: what happens now, as server-sent events. Once a second a pulse, and the lines that came since the last.
//
// All who look share one timer and one reading of the stream; nobody looks, nothing is read. Who reads too slowly misses
// events rather than making them pile up. It shows, and promises nothing: of many lines only the newest are told.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { type Caller, mayRead } from '../access/caller.ts';
import type { ImportSummary } from '../imports/summary.ts';
import { TillstreamError } from '../model/errors.ts';
import type { AcceptedLine } from '../model/line.ts';
import { amountE4, poundsFromE4 } from '../model/money.ts';
import { parseRecord } from '../model/record.ts';
import type { Sequence, StreamTail } from '../stream/event-stream.ts';
import { EVENT_STREAM, eventOf, operation, type Pulse } from './live-schema.ts';

export interface LiveSources {
  /** Rates and lags; no customers' data. */
  pulse(): Promise<Static<typeof Pulse>>;
  /** The newest records after one, oldest first. */
  tail(after: Sequence | null, recordsMax: number): Promise<StreamTail>;
  readonly imports: {
    /** That have not ended, oldest first. */
    open(): readonly ImportSummary[];
    /** That have ended after what was answered as `newest` before; null: none yet. */
    endedAfter(after: number | null): { readonly ended: readonly ImportSummary[]; readonly newest: number };
  };
  /** Whether who asked would still be let in: keys end, and are revoked. */
  isStillAdmitted(request: FastifyRequest): boolean;
}

const EVERY_MS = 1000;
/** A screenful. */
const LINES_MAX = 20;
/** A screen each; a page that opens connections without end is stopped before it hurts. */
const VIEWERS_MAX = 100;
/** One program's screens; whoever opens more leaves the others their places. */
const VIEWERS_PER_KEY_MAX = 25;
/** What a browser waits before it comes again. */
const RETRY_MS = 3000;
/** Stands for a customer whom the viewer may not see. */
const MASKED = '•••';

interface Viewer {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly isReader: boolean;
}

export function liveRoutes(server: FastifyInstance, sources: LiveSources): void {
  const viewers = new Set<Viewer>();
  let timer: NodeJS.Timeout | null = null;
  let after: Sequence | null = null;
  let importsAfter: number | null = null;

  const leave = (viewer: Viewer): void => {
    viewers.delete(viewer);
    viewer.reply.raw.end();
    if (viewers.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
    after = null;
    importsAfter = null;
  };

  let isTelling = false;

  const tell = async (): Promise<void> => {
    const [pulse, { records, skipped, newest }] = await Promise.all([sources.pulse(), sources.tail(after, LINES_MAX)]);
    after = newest;
    const { ended, newest: newestEnd } = sources.imports.endedAfter(importsAfter);
    importsAfter = newestEnd;
    const imports = [...ended, ...sources.imports.open().filter(({ state }) => state !== 'waiting')];
    const importEvents = imports.map((each) => eventOf('import', each)).join('');
    const lines = records.flatMap(({ sequence, data }) => parseRecord(sequence, data));
    const shown = lines.slice(-LINES_MAX);
    // Lines of records that were passed over are not counted: those were not read.
    const event = (isReader: boolean): string =>
      eventOf('pulse', pulse) +
      (isReader ? importEvents : '') +
      (shown.length === 0
        ? ''
        : eventOf('lines', { lines: shown.map((line) => shownLine(line, isReader)), skippedRecords: skipped }));
    const [whole, masked] = [event(true), event(false)];
    for (const viewer of viewers) {
      const { raw } = viewer.reply;
      if (!sources.isStillAdmitted(viewer.request)) leave(viewer);
      else if (!raw.writableNeedDrain) raw.write(viewer.isReader ? whole : masked);
    }
  };

  /** What cannot be told this second is told the next. */
  const tick = async (): Promise<void> => {
    if (isTelling) return;
    isTelling = true;
    await tell().catch(() => {});
    isTelling = false;
  };

  const ofSameKey = (caller: Caller | null): number => {
    let count = 0;
    for (const { request } of viewers) if (idOf(request.caller) === idOf(caller)) count += 1;
    return count;
  };

  // Not HEAD: its answer would have no end.
  server.get('/v1/live', { ...operation, exposeHeadRoute: false }, async (request, reply) => {
    if (viewers.size >= VIEWERS_MAX) throw tooMany(`${VIEWERS_MAX} look already; that is all at once.`);
    if (ofSameKey(request.caller) >= VIEWERS_PER_KEY_MAX) {
      throw tooMany(`${VIEWERS_PER_KEY_MAX} look with this key already; that is all at once.`);
    }
    const viewer = { request, reply, isReader: mayRead(request.caller, null) };
    reply.hijack();
    // A proxy must neither keep nor gather them.
    const headers = { 'content-type': EVENT_STREAM, 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
    reply.raw.writeHead(200, headers).write(`retry: ${RETRY_MS}\n\n`);
    reply.raw.on('close', () => leave(viewer)).on('error', () => leave(viewer));
    viewers.add(viewer);
    timer ??= setInterval(tick, EVERY_MS);
  });

  server.addHook('preClose', async () => {
    for (const viewer of viewers) leave(viewer);
  });
}

/** null: a customer's, who does not get here. */
function idOf(caller: Caller | null): string | null {
  return caller?.kind === 'key' ? caller.id : null;
}

function tooMany(message: string): TillstreamError {
  return new TillstreamError('overloaded', message, { retryAfterSeconds: 10 });
}

/** Without what a sender added of its own, which nobody knows. */
function shownLine({ extra: _extra, position: _position, ...line }: AcceptedLine, isReader: boolean) {
  const customerId = isReader || line.customerId === null ? line.customerId : MASKED;
  return { ...line, customerId, amount: poundsFromE4(amountE4(line)) };
}
