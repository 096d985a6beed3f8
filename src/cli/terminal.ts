// A terminal that is painted over in place, and left as it was found: however the command ends, and while it is suspended.
import type { WriteStream } from 'node:tty';
import { out, screenWidth } from './screen.ts';

export interface Terminal {
  paint(): void;
  close(): void;
}

/** Of xterm and all that follow it: the second screen, so that what stood there comes back; no cursor. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** A terminal that knows these shows a frame whole; others ignore them. */
const FRAME_BEGIN = '\u001b[?2026h\u001b[H';
const FRAME_END = '\u001b[J\u001b[?2026l';
const CLEAR_TO_END_OF_LINE = '\u001b[K';

/** @param draw the screen at a width: lines that end in newlines */
export function openTerminal(draw: (width: number) => string): Terminal {
  const stdout = process.stdout as WriteStream;
  let isOpen = false;
  const paint = (): void => {
    if (!isOpen) return;
    const columns = Math.min(stdout.columns, screenWidth());
    // Nothing is cleared before it is written over: that would flicker. The last row stays free, or the terminal scrolls.
    const rows = draw(columns)
      .trimEnd()
      .split('\n')
      .slice(0, Math.max(1, stdout.rows - 1));
    out(`${FRAME_BEGIN}${rows.map((row) => `${row}${CLEAR_TO_END_OF_LINE}\n`).join('')}${FRAME_END}`);
  };
  const enter = (): void => {
    if (!isOpen) out(ENTER);
    isOpen = true;
    paint();
  };
  const leave = (): void => {
    if (isOpen) out(LEAVE);
    isOpen = false;
  };
  const suspend = (): void => {
    leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  const events = [
    [stdout, 'resize', paint],
    [process, 'SIGTSTP', suspend],
    [process, 'SIGCONT', enter],
    [process, 'exit', leave],
  ] as const;
  for (const [source, event, listener] of events) source.on(event, listener);
  enter();
  return {
    paint,
    close() {
      leave();
      for (const [source, event, listener] of events) source.off(event, listener);
    },
  };
}
