// An import asks, and a person at the terminal answers.
import { createInterface } from 'node:readline/promises';
import type { Question } from '../imports/import.ts';
import type { Answer } from '../imports/imports.ts';
import { columnNames, type Field } from '../model/columns.ts';
import { questionScreen } from './import-screen.ts';
import { err, screenWidth } from './screen.ts';

/** A person can be asked: what they read and where they type are terminals. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** null: the person gives the import up. undefined: went away, and the question stands. */
export async function askPerson(question: Question): Promise<Answer | null | undefined> {
  err(`${questionScreen(question, screenWidth())}\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  terminal.on('SIGINT', () => gone.abort()).on('close', () => gone.abort());
  const say = async (text: string): Promise<string> => {
    return (await terminal.question(`${text} `, { signal: gone.signal })).trim();
  };
  /** By the first letter of a word. */
  const choose = async (text: string, letters: string): Promise<string> => {
    for (;;) {
      const letter = (await say(text)).slice(0, 1).toLowerCase();
      if (letter !== '' && letters.includes(letter)) return letter;
    }
  };
  try {
    return await answerTo(question, say, choose);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    err('\n');
    return undefined;
  } finally {
    terminal.close();
  }
}

async function answerTo(
  question: Question,
  say: (text: string) => Promise<string>,
  choose: (text: string, letters: string) => Promise<string>,
): Promise<Answer | null> {
  switch (question.kind) {
    case 'date_order': {
      const letter = await choose('Month first (m), day first (d), or cancel (c)?', 'mdc');
      return letter === 'c' ? null : { dateOrder: letter === 'm' ? 'month-first' : 'day-first' };
    }
    case 'columns':
      return mapped(question.missing, question.columns, say);
    case 'conflicts': {
      const letter = await choose('Replace them (r), continue numbering after them (n), or cancel (c)?', 'rnc');
      return letter === 'c' ? null : { conflicts: letter === 'r' ? 'replace' : 'continue-numbering' };
    }
    case 'too_many_rejects': {
      const letter = await choose('Import the others (i), or cancel (c)?', 'ic');
      return letter === 'c' ? null : { maxRejects: 100 };
    }
  }
}

async function mapped(
  missing: readonly Field[],
  columns: readonly string[],
  say: (text: string) => Promise<string>,
): Promise<Answer | null> {
  const map: Partial<Record<Field, string>> = {};
  for (const field of missing) {
    const [name] = columnNames[field];
    for (;;) {
      const given = await say(`Which column is ${name}? (none: cancel)`);
      if (given === '') return null;
      const column = columns.find((each) => each.toLowerCase() === given.toLowerCase());
      if (column !== undefined) {
        map[field] = column;
        break;
      }
      err(`There is no column ${given}.\n`);
    }
  }
  return { map };
}
