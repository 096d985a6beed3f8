// How a command that fails says so: one message with the way out on stderr, and its exit code.
import { CommanderError } from 'commander';
import { catalogue, messageOf, TillstreamError } from '../model/errors.ts';
import { program } from './invocation.ts';
import { err, errText, palette } from './screen.ts';
import { printable } from './text.ts';

/** Writes the message and gives the exit code: 0 done, 1 failed, 2 wrong usage. */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) return commanderExit(error);
  const { red } = palette(process.stderr);
  if (error instanceof TillstreamError) {
    const hint = error.hint === undefined ? '' : `${printable(error.hint)}\n`;
    errText(`${red(error.code)}: ${printable(error.message)}\n${hint}`);
    return catalogue[error.code].exit;
  }
  err(`${red('internal')}: ${printable(messageOf(error))}\n`);
  if (process.env.TILLSTREAM_DEBUG !== undefined && error instanceof Error) err(`${error.stack}\n`);
  else err('This is a fault of Tillstream. With TILLSTREAM_DEBUG=1 it says where.\n');
  return 1;
}

/** Commander has written its message by then; help and version are no failures. */
function commanderExit(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

/** `error: unknown option '--spede'` → the house's form. */
export function wrongUsage(message: string, command: string): string {
  const { red } = palette(process.stderr);
  const text = message.replace(/^error: /, '').trimEnd();
  return `${red('wrong_usage')}: ${text}\nSee: ${program()} ${command === '' ? '' : `${command} `}--help\n`;
}
