// The port of imports, as routes and the schedule use it: what is taken in, what becomes of it, what its owner is asked.
import type { Readable } from 'node:stream';
import type { ImportOptions, ImportReport, ImportState } from './import.ts';

/** Files on their way in; nothing is known of them before finish(). */
export interface Intake {
  /** Resolves when the file is on disk. In the order in which they are to be numbered. @throws invalid_parameter, disk_full */
  add(name: string, bytes: Readable): Promise<void>;
  /** The import waits for its turn from here on. @throws empty_request  no file was added */
  finish(): Promise<ImportReport>;
  /** Removes what has come in. */
  abandon(): Promise<void>;
}

/** What the owner of an import says to its question; what does not belong to the question is refused. */
export type Answer = Pick<ImportOptions, 'dateOrder' | 'map' | 'conflicts' | 'maxRejects'>;

/** Imports run one after another; one that waits for an answer lets the next go on. */
export interface Imports {
  begin(options: ImportOptions): Promise<Intake>;

  /** A file of the inbox, at once. @throws file_not_found */
  fromInbox(name: string, options: ImportOptions): Promise<ImportReport>;

  /** Newest first. @param before an id: those older than it. @throws invalid_parameter  there is no such import */
  list(page: { readonly limit: number; readonly before: string | null; readonly state?: ImportState }): ImportReport[];

  get(id: string): ImportReport | null;

  /** @throws not_found; conflict  it asks nothing; invalid_parameter  that does not answer it */
  answer(id: string, answer: Answer): Promise<ImportReport>;

  /** What is in the stores stays there, and counts; the rest does not come. @throws not_found, conflict */
  cancel(id: string): Promise<ImportReport>;

  /** CSV: the columns of the file, then `id`, `row`, `code`, `reason`. @throws not_found */
  rejects(id: string): AsyncIterable<Buffer>;
}
