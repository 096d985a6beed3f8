// What a backup says of itself: manifest.json, written last. A backup without it is not whole.
//
// It vouches for the list of files (file-list.ts), the list for every file, and its own hash for itself.
import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { TillstreamError } from '../model/errors.ts';

export const MANIFEST = 'manifest.json';

/** Of backups; a higher one is refused. Goes up when an older version could not restore what we write. */
export const BACKUP_FORMAT = 1;

const Count = Type.Integer({ minimum: 0 });
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const SequenceOrNone = Type.Union([Type.String(), Type.Null()]);

const ManifestSchema = Type.Object({
  format: Type.Integer(),
  /** Version that wrote it. */
  tillstream: Type.String(),
  createdAt: Type.String(),
  /** Format of the data directory, as in its version.json. */
  dataFormat: Type.Integer(),
  streamId: Type.String(),
  /** Every store is at this record; null before the first line. */
  sequence: SequenceOrNone,
  /** What was accepted during the backup is on its stream up to here, and is delivered after a restore. */
  streamNewest: SequenceOrNone,
  /** Whether the copies hold the same lines. */
  agrees: Type.Boolean(),
  /** At `sequence`, read from the copies. */
  stores: Type.Array(
    Type.Object({
      store: Type.String(),
      lines: Count,
      invoices: Count,
      /** Exact. */
      revenue: Type.String(),
      agrees: Type.Boolean(),
      quarantined: Count,
      discarded: Count,
    }),
  ),
  files: Count,
  bytes: Count,
  /** Of the list of files. */
  listSha256: Sha256,
});

export type Manifest = Static<typeof ManifestSchema>;

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, sha256: ownHash(manifest) }, null, 2)}\n`;
}

/** @throws backup_damaged, backup_too_new */
export function readManifest(text: string, backup: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw damaged(backup, `${MANIFEST} is not JSON`, cause);
  }
  const { sha256, ...manifest } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<
    string,
    unknown
  >;
  // Before all else: what else a newer one holds is not known here.
  if (typeof manifest.format === 'number') assertReadable('backup', manifest.format, BACKUP_FORMAT, backup);
  if (sha256 !== ownHash(manifest) || !Value.Check(ManifestSchema, manifest)) {
    throw damaged(backup, `${MANIFEST} is not as it was written`);
  }
  return manifest;
}

/** @throws backup_too_new */
export function assertReadable(what: string, format: number, known: number, backup: string): void {
  if (format <= known) return;
  throw new TillstreamError(
    'backup_too_new',
    `${backup} has format ${format} of a ${what}; this version reads up to ${known}.`,
    { hint: 'Restore it with the version of Tillstream that wrote it, or a newer one.' },
  );
}

/** Of the text without it; the order of its fields is part of that. */
function ownHash(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

/** @param what is wrong with it, as a clause */
export function damaged(backup: string, what: string, cause?: unknown): TillstreamError {
  return new TillstreamError('backup_damaged', `${backup} cannot be restored: ${what}.`, {
    hint: 'Nothing was restored. Take another copy of this backup, or an older backup.',
    cause,
  });
}
