// An import in short: for a screen that shows many. No lines, nothing of a customer's.
import type { ErrorCode } from '../model/errors.ts';
import type { ImportCounts, ImportProgress, ImportReport, ImportState, Question } from './import.ts';

export interface ImportSummary {
  readonly id: string;
  readonly state: ImportState;
  readonly origin: ImportReport['origin'];
  /** Their names. */
  files: string[];
  readonly question: Question['kind'] | null;
  readonly error: ErrorCode | null;
  readonly progress: ImportProgress | null;
  readonly counts: ImportCounts | null;
}

export function summaryOf({
  id,
  state,
  origin,
  files,
  question,
  error,
  progress,
  counts,
}: ImportReport): ImportSummary {
  return {
    ...{ id, state, origin, progress, counts },
    files: files.map(({ name }) => name),
    question: question?.kind ?? null,
    error: error?.code ?? null,
  };
}
