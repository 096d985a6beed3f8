// Structured logs on stderr, from every thread.
//
// Customers' data stays out of them at info level and above. An error's message may quote what was sent, so it is left out
// there, unless it is one of ours about a store or the machine, or the system's own; where it was thrown is always said.
import { type Logger, pino } from 'pino';
import { catalogue, isTillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';

export function createLog(thread: string, level: string): Logger {
  const log = pino({ level, base: { thread } }, pino.destination({ fd: 2, sync: true }));
  return log.isLevelEnabled('debug') ? log : log.child({}, { serializers: { err: shownError } });
}

export function writerOf(log: Logger): WriteLog {
  return (level, message, details = {}) => log[level](details, message);
}

/** More than our errors ever have; one that is its own cause would have no end. */
const CAUSES_MAX = 5;

/** An error without what was sent; all of it at level debug. */
function shownError(error: unknown, causesMax = CAUSES_MAX): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, cause } = error;
  return {
    type: name,
    ...(isTillstreamError(error) ? { code: error.code } : {}),
    ...('syscall' in error && 'code' in error ? { code: error.code } : {}),
    ...(isHarmless(error) ? { message: error.message } : {}),
    stack: framesOf(error),
    ...(cause === undefined || causesMax === 0 ? {} : { cause: shownError(cause, causesMax - 1) }),
  };
}

/** Of a store that is away, or of the system: says what failed, not with what. */
function isHarmless(error: Error): boolean {
  if (!isTillstreamError(error)) return 'syscall' in error;
  const { code } = error;
  if (code === 'stream_gap' || code.startsWith('directory_')) return true;
  return code !== 'internal' && catalogue[code].status >= 500;
}

/** The message stands before them. */
function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').flatMap((line) => /^\s+at (.*)/.exec(line)?.[1] ?? []);
}
