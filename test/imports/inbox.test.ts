// Which files of the inbox are taken, and when: a real directory, and a clock in our hands.
import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, test } from 'vitest';
import { doneImport } from '../../src/imports/imports-examples.ts';
import { Inbox } from '../../src/imports/inbox.ts';
import { TillstreamError } from '../../src/model/errors.ts';
import { endPlatforms, freshDirectory } from '../support/platform.ts';

let directory: string;
let inbox: Inbox;
let nowMs: number;
const taken: string[] = [];
const failures: string[] = [];
/** What becomes of the next file that is taken. */
let next: () => Promise<void>;

beforeEach(async () => {
  directory = await freshDirectory('inbox');
  nowMs = Date.UTC(2025, 11, 24, 9);
  taken.length = 0;
  failures.length = 0;
  next = async () => {};
  inbox = new Inbox({
    directory,
    now: () => nowMs,
    onError: (error, file) => failures.push(`${file}: ${(error as Error).message}`),
    imports: {
      async fromInbox(name) {
        await next();
        taken.push(name);
        await rm(join(directory, name));
        return doneImport;
      },
    },
  });
});
afterEach(endPlatforms);

/** Written now. */
async function write(name: string, text: string): Promise<void> {
  await writeFile(join(directory, name), text);
  await utimes(join(directory, name), nowMs / 1000, nowMs / 1000);
}

async function lookAfter(seconds: number): Promise<string[]> {
  nowMs += seconds * 1000;
  await inbox.look();
  return taken.splice(0);
}

test('a file is taken when it is as it was at the look before', async () => {
  await write('may.csv', 'a');
  expect(await lookAfter(10)).toEqual([]);
  expect(await lookAfter(10)).toEqual(['may.csv']);
  expect(await lookAfter(10)).toEqual([]);
});

test('one that is still being written is left alone, however long that takes', async () => {
  for (let piece = 1; piece <= 5; piece += 1) {
    await write('may.csv', 'a'.repeat(piece));
    expect(await lookAfter(30)).toEqual([]);
  }
  expect(await lookAfter(30)).toEqual(['may.csv']);
});

test('written over with as many bytes, it is still being written', async () => {
  await write('may.csv', 'a');
  expect(await lookAfter(10)).toEqual([]);
  await write('may.csv', 'b');
  expect(await lookAfter(10)).toEqual([]);
});

test('one that nobody has touched for a minute is taken at the first look', async () => {
  await write('may.csv', 'a');
  expect(await lookAfter(59)).toEqual([]);
  await write('june.csv', 'a');
  expect(await lookAfter(60)).toEqual(['june.csv', 'may.csv']);
});

it.each(['.hidden.csv', 'may.csv.part', 'may.tmp', 'may.csv.crdownload', 'may.csv.filepart', 'may.csv~', 'MAY.PART'])(
  'a name that says it is not whole is left alone: %s',
  async (name) => {
    await write(name, 'a');
    expect(await lookAfter(3600)).toEqual([]);
    expect(await lookAfter(3600)).toEqual([]);
    expect(await readdir(directory)).toEqual([name]);
  },
);

test('directories, and links to what is elsewhere, are left alone', async () => {
  await mkdir(join(directory, 'set-aside'));
  await symlink('/etc/hostname', join(directory, 'link.csv'));
  expect(await lookAfter(3600)).toEqual([]);
  expect(await lookAfter(3600)).toEqual([]);
  expect(failures).toEqual([]);
});

test('what goes wrong with one is told, tried again, and keeps no other from being taken', async () => {
  await write('1.csv', 'a');
  await write('2.csv', 'a');
  await lookAfter(1);
  let isFirst = true;
  next = async () => {
    const fails = isFirst;
    isFirst = false;
    if (fails) throw new TillstreamError('disk_low', 'The disk is low.');
  };
  expect(await lookAfter(1)).toEqual(['2.csv']);
  expect(failures).toEqual(['1.csv: The disk is low.']);
  expect(await lookAfter(1)).toEqual(['1.csv']);
});

test('one that was taken away again is forgotten', async () => {
  await write('1.csv', 'a');
  await lookAfter(1);
  next = async () => {
    throw new TillstreamError('file_not_found', 'It is not there.');
  };
  expect(await lookAfter(1)).toEqual([]);
  expect(failures).toEqual([]);
});

test('an inbox that cannot be read is told, and looked into again', async () => {
  await rm(directory, { recursive: true });
  expect(await lookAfter(1)).toEqual([]);
  expect(failures).toEqual([expect.stringMatching(/^null: ENOENT/)]);
  await mkdir(directory);
  await write('1.csv', 'a');
  expect(await lookAfter(60)).toEqual(['1.csv']);
});

test('a look that takes long is the only one', async () => {
  await write('1.csv', 'a');
  let goOn = (): void => {};
  const begun = new Promise<void>((resolve) => {
    next = () => {
      resolve();
      return new Promise((done) => {
        goOn = done;
      });
    };
  });
  nowMs += 60_000;
  const long = inbox.look();
  await begun;
  await inbox.look();
  goOn();
  await long;
  expect(taken).toEqual(['1.csv']);
});
