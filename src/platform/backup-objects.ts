// Which objects of the lake belong to a backup: raw ones up to its record, and of the imports that there were at that moment
// the parts that their manifests committed then, and what those that have not ended go on from.
//
// The manifests themselves change, so they are copied while all stands still. What waits in the inbox is not ours yet: nothing
// of it is looked at, whatever it is called.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFileChunks, writeNew } from '../backup/content.ts';
import { importDirectory, REJECTS } from '../imports/parts.ts';
import { isArchivedAfter } from '../pipelines/archive-raw.ts';
import { committedImports, isNeededBy } from '../stores/lake/import-parts.ts';
import type { ObjectInfo, ObjectStore } from '../stores/lake/object-store.ts';
import { LAKE } from '../stores/layout.ts';

/** Copies the manifest of every import, and what it has rejected so far; imports stand still. */
export async function copyManifests(lake: string, staging: string): Promise<void> {
  for (const { id, manifest } of await committedImports(lake)) {
    for (const name of [manifest, `${importDirectory(id)}/${REJECTS}`]) {
      const file = join(lake, name);
      if (existsSync(file)) await writeNew(join(staging, LAKE, name), readFileChunks(file), () => {});
    }
  }
}

/** What has not been copied yet. @param staging has the manifests */
export async function* objectsOfBackup(
  objects: ObjectStore,
  staging: string,
  sequence: string | null,
): AsyncGenerator<ObjectInfo> {
  for (const each of await committedImports(join(staging, LAKE))) {
    const committed = new Set(each.parts);
    for await (const object of objects.list(`${importDirectory(each.id)}/`)) {
      if (committed.has(object.name) || isNeededBy(each, object.name)) yield object;
    }
  }
  for await (const object of objects.list('raw/')) {
    if (!isArchivedAfter(sequence, object.name)) yield object;
  }
}

/** At least what those take, before it is known which they are. */
export async function lakeBytes(objects: ObjectStore): Promise<number> {
  let sum = 0;
  for (const prefix of ['raw/', 'imports/']) {
    for await (const { bytes } of objects.list(prefix)) sum += bytes;
  }
  return sum;
}
