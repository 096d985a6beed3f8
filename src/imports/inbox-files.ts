// Files of the inbox on their way into an import, and out of it again.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { assertOwnRoom } from '../stores/disk-room.ts';
import { type ImportManifest, syncPath } from './manifest.ts';

/** Of the inbox: files whose import was cancelled or failed. */
const SET_ASIDE = 'set-aside';
const NAME_BYTES_MAX = 255;

/** @param to directory of the import. A file that is there already stays as it is. */
export async function takeFromInbox(inbox: string, to: string, { origin, files }: ImportManifest): Promise<void> {
  if (origin !== 'inbox') return;
  for (const { name, object } of files) {
    const source = path.join(to, object);
    const file = path.join(inbox, name);
    if (!existsSync(source) && existsSync(file)) await move(file, source);
  }
  // The manifest says where the file is to be: whether this is on disk yet does not matter.
  await syncPath(to).catch(() => {});
}

/** A file that was looked at goes back to where it was; one that was cancelled or failed would come again: to the side. */
export async function putBack(
  inbox: string,
  from: string,
  { id, state, files, options }: ImportManifest,
): Promise<void> {
  for (const { name, object } of files) {
    const source = path.join(from, object);
    if (!existsSync(source)) continue;
    const before = path.join(inbox, name);
    const isToStay = (state === 'checked' || options.dryRun === true) && !existsSync(before);
    await mkdir(path.join(inbox, SET_ASIDE), { recursive: true });
    await move(source, isToStay ? before : path.join(inbox, SET_ASIDE, asideName(id, name)));
  }
}

/** The inbox may be on a disk of its own: there, what is moved is copied whole before it goes. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // A name that the inbox leaves alone.
    const unfinished = path.join(path.dirname(to), `.${path.basename(to).slice(-100)}.part`);
    try {
      assertOwnRoom(path.dirname(to), 0, { bytes: (await stat(from)).size, what: 'the copy of the file' });
      await copyFile(from, unfinished);
      await syncPath(unfinished);
      await rename(unfinished, to);
    } catch (failure) {
      await rm(unfinished, { force: true });
      throw failure;
    }
    await rm(from, { force: true });
  }
}

/** With as much of the end of its name as a file system takes. */
function asideName(id: string, name: string): string {
  const characters = [...name];
  while (Buffer.byteLength(`${id}-${characters.join('')}`) > NAME_BYTES_MAX) characters.shift();
  return `${id}-${characters.join('')}`;
}
