// Structured logs on stderr, from every thread. Customers' data stays out of them at info level and above.
import { type Logger, pino } from 'pino';

export function createLog(thread: string, level: string): Logger {
  return pino({ level, base: { thread } }, pino.destination({ fd: 2, sync: true }));
}
