// What the file system says when a backup or a restore cannot be written, in our words.
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { saysDiskFull } from '../stores/disk-room.ts';

const READ_ONLY = /EROFS/;
const NOT_ALLOWED = /EACCES|EROFS|EPERM/;

/** @param path where was written */
export function writingFailure(error: unknown, path: string): unknown {
  const said = wordsOf(error);
  if (saysDiskFull(said)) {
    return new TillstreamError('disk_full', `The disk of ${path} has filled up; what was written there is removed.`, {
      hint: 'Make room there, or name a place on another disk.',
      cause: error,
    });
  }
  if (isTillstreamError(error) && error.code !== 'unavailable') return error;
  if (NOT_ALLOWED.test(said)) {
    return notWritable(path, 'written', error);
  }
  return error;
}

export function notWritable(path: string, how: 'made' | 'written', cause: unknown): TillstreamError {
  return new TillstreamError('directory_not_writable', `${path} cannot be ${how}: ${messageOf(cause)}.`, {
    hint: READ_ONLY.test(wordsOf(cause))
      ? 'That place is read-only for the platform. As a service of systemd, it writes only where ReadWritePaths= of its unit lets it.'
      : 'Give this user the right to write there, or name another place.',
    cause,
  });
}

function wordsOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? `\n${wordsOf(error.cause)}` : '';
  return messageOf(error) + cause;
}
