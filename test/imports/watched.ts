// Imports of a platform under test: begun, followed to where they end or ask.
import { setTimeout as pause } from 'node:timers/promises';
import { ENDED, type ImportReport } from '../../src/imports/import.ts';
import type { Platform } from '../support/platform.ts';

const LOOK_MS = 20;
/** A little less than a test has: to tell how the import is. */
const TIMEOUT_MS = 280_000;
/** It is not known yet what there is to do. */
const BEFORE: ReadonlySet<string> = new Set(['waiting', 'reading']);

/** A file of the inbox. */
export async function beginFromInbox(platform: Platform, file: string, options: object = {}): Promise<string> {
  const body = JSON.stringify({ file, options });
  const answer = await platform.request('POST', '/v1/imports', body, 'application/json');
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
  return answer.body.id;
}

/** The import, once it has ended or asks. */
export function settled(platform: Platform, id: string): Promise<ImportReport> {
  return importWhen(platform, id, ({ state }) => ENDED.has(state) || state === 'needs_answer');
}

/** The import, once it is staged, or further. */
export function begun(platform: Platform, id: string): Promise<ImportReport> {
  return importWhen(platform, id, ({ state }) => !BEFORE.has(state));
}

export async function importWhen(
  platform: Platform,
  id: string,
  wanted: (report: ImportReport) => boolean,
): Promise<ImportReport> {
  const untilMs = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { body } = await platform.get(`/v1/imports/${id}`);
    const report: ImportReport = body;
    if (wanted(report)) return report;
    if (Date.now() > untilMs) throw new Error(`Not within ${TIMEOUT_MS} ms: ${JSON.stringify(report, null, 1)}`);
    await pause(LOOK_MS);
  }
}

/** Files of one import, in their order; the import, once it has ended or asks. */
export async function upload(
  platform: Platform,
  files: readonly (string | Buffer)[],
  options: object = {},
): Promise<ImportReport> {
  const form = new FormData();
  form.append('options', JSON.stringify(options));
  for (const [at, bytes] of files.entries()) {
    form.append('file', new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)]), `file-${at + 1}.csv`);
  }
  const answer = await fetch(`${platform.url}/v1/imports`, { method: 'POST', body: form });
  const body = (await answer.json()) as ImportReport;
  if (answer.status !== 202) throw new Error(JSON.stringify(body));
  return settled(platform, body.id);
}

/** What its owner says to what it asks; the import, once it has ended or asks again. */
export async function answered(platform: Platform, id: string, answer: object): Promise<ImportReport> {
  const text = JSON.stringify(answer);
  const { status, body } = await platform.request('POST', `/v1/imports/${id}/answer`, text, 'application/json');
  if (status !== 200) throw new Error(JSON.stringify(body));
  return settled(platform, id);
}
