// What an import asks, and whether that is answered.
import { TillstreamError } from '../model/errors.ts';
import { isNumbered } from './import.ts';
import type { Answer } from './imports.ts';
import type { ImportManifest } from './manifest.ts';
import { sameName } from './sniff-columns.ts';

/** @throws invalid_parameter  it does not answer what was asked */
export function checkAnswer({ question, readings }: ImportManifest, answer: Answer): void {
  const wanted = {
    date_order: 'dateOrder',
    columns: 'map',
    conflicts: 'conflicts',
    too_many_rejects: 'maxRejects',
  } as const;
  const key = question === null ? null : wanted[question.kind];
  if (key === null || answer[key] === undefined) {
    throw new TillstreamError('invalid_parameter', `The import asks for ${key}; that is not answered.`, {
      field: key,
      value: null,
    });
  }
  const other = Object.keys(answer).find((each) => each !== key && answer[each as keyof Answer] !== undefined);
  if (other !== undefined) {
    throw new TillstreamError('invalid_parameter', `The import asks for ${key}, not for ${other}.`, {
      field: other,
      value: JSON.stringify(answer[other as keyof Answer]),
      hint: `Send ${key} alone.`,
    });
  }
  const unknown = question?.kind === 'columns' ? unknownColumn(question.columns, answer.map ?? {}) : undefined;
  if (unknown !== undefined && question?.kind === 'columns') {
    const message = `${question.file} has no column ${unknown}. It has ${question.columns.join(', ')}.`;
    throw new TillstreamError('invalid_parameter', message, { field: 'map', value: unknown });
  }
  if (answer.conflicts === 'continue-numbering' && readings.some(isNumbered)) {
    throw new TillstreamError('invalid_parameter', 'The file numbers its lines itself: they cannot be numbered on.', {
      field: 'conflicts',
      value: 'continue-numbering',
      hint: 'Replace the lines, or cancel the import.',
    });
  }
}

function unknownColumn(columns: readonly string[], map: NonNullable<Answer['map']>): string | undefined {
  return Object.values(map).find((column) => !columns.some((each) => sameName(each, column)));
}
