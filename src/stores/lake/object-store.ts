// The port of the lake: raw object storage, flat names with slashes, whole objects.
import { TillstreamError } from '../../model/errors.ts';

export interface ObjectInfo {
  readonly name: string;
  readonly bytes: number;
}

/** S3 takes 1,024 bytes; a part is a file name, which may have 255, and room is left for what an adapter appends. */
const objectNameLimits = { nameBytesMax: 512, partBytesMax: 200 } as const;

/**
 * Object storage. Names are relative, made of [A-Za-z0-9._=-] and slashes, never with an empty, `.` or `..` part, and
 * no name goes on below another (`a` and `a/b`): a directory tree must be able to hold them.
 */
export interface ObjectStore {
  /**
   * Stores an object under a name, replacing the one that was there. Resolves when it is on disk; a reader sees all of it
   * or none.
   * @throws unavailable  it may or may not be stored: put it again
   * @throws invalid_parameter  for a name that is none
   */
  put(name: string, data: Uint8Array): Promise<void>;

  /** The whole object; null when there is none. @throws invalid_parameter, unavailable */
  get(name: string): Promise<Buffer | null>;

  /** Objects whose names start with `prefix`, in order of name. Memory: never the whole list. @throws unavailable */
  list(prefix: string): AsyncIterable<ObjectInfo>;

  /** Removes an object; one that is not there is no error. @throws invalid_parameter, unavailable */
  delete(name: string): Promise<void>;
}

const PART = /^[A-Za-z0-9._=-]+$/;

/** The parts of an object's name. @throws invalid_parameter  so that no name leads out of the store */
export function objectNameParts(name: string): string[] {
  const parts = name.split('/');
  const valid =
    name.length <= objectNameLimits.nameBytesMax &&
    parts.every((part) => isObjectNamePart(part) && part.length <= objectNameLimits.partBytesMax);
  if (valid) return parts;
  throw new TillstreamError('invalid_parameter', `"${name.slice(0, 200)}" cannot be the name of an object.`, {
    field: 'name',
    value: name.slice(0, 200),
  });
}

export function isObjectNamePart(part: string): boolean {
  return PART.test(part) && part !== '.' && part !== '..';
}
