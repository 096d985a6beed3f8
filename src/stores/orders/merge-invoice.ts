// Merges lines into an invoice as the LMDB order store keeps it (stored-invoice.ts): of every identity the newest version,
// whatever the order in which they come, and however often.
import type { InvoiceHeader } from '../../model/invoice.ts';
import { type AcceptedLine, compareVersions, type Line } from '../../model/line.ts';
import { amountE4, textFromE4 } from '../../model/money.ts';
import { openLineJson } from '../../model/record.ts';
import { InvoiceDraft } from './invoice-draft.ts';
import type { StoredInvoice, StoredLine } from './stored-invoice.ts';

export interface Merged {
  readonly header: InvoiceHeader;
  /** What to store. */
  readonly value: Buffer;
  /** Lines that replaced an older version that differs. */
  readonly replaced: number;
}

/**
 * @param lines of one invoice, at least one; any order, any number of versions of the same line
 * @returns null when nothing of it is newer than what is stored
 */
export function mergeInvoice(stored: StoredInvoice | null, lines: readonly AcceptedLine[]): Merged | null {
  const groups = groupByLineId(lines);
  const draft = new InvoiceDraft(stored);
  let replaced = 0;
  let changed = false;
  let next = 0;

  const settle = (group: Group, old: StoredLine | null): void => {
    const outcome = newestOf(group.forms, old);
    replaced += outcome.replaced;
    if (outcome.line === null) return;
    changed = true;
    draft.add(outcome.line, outcome.json);
  };

  // The common case, a line more: nothing of the stored lines needs to be looked at but what the header is made of.
  const appends = stored === null || (groups[0]?.lineId ?? '') > stored.lastLineId;
  let old = stored === null ? null : stored.firstLine();
  for (; old !== null; old = old.next()) {
    if (appends) {
      draft.keep(old);
      continue;
    }
    const { lineId } = old;
    let group = groups[next];
    for (; group !== undefined && group.lineId < lineId; group = groups[++next]) settle(group, null);
    const before = draft.lineCount;
    if (group?.lineId === lineId) {
      settle(group, old);
      next += 1;
    }
    if (draft.lineCount === before) draft.keep(old);
  }
  for (const group of groups.slice(next)) settle(group, null);
  return changed ? { ...draft.finish(), replaced } : null;
}

/** All forms of one line, in the order given. */
interface Group {
  readonly lineId: string;
  readonly forms: AcceptedLine[];
}

/** In order of lineId. */
function groupByLineId(lines: readonly AcceptedLine[]): Group[] {
  const groups = new Map<string, Group>();
  for (const line of lines) {
    const group = groups.get(line.lineId);
    if (group === undefined) groups.set(line.lineId, { lineId: line.lineId, forms: [line] });
    else group.forms.push(line);
  }
  const ordered = [...groups.values()];
  return ordered.length === 1 ? ordered : ordered.sort((a, b) => (a.lineId < b.lineId ? -1 : 1));
}

/** The newest form, unless the old one is; and how often one that differs was replaced on the way. */
function newestOf(
  forms: readonly AcceptedLine[],
  old: StoredLine | null,
): { readonly line: AcceptedLine | null; readonly json: string; readonly replaced: number } {
  let line: AcceptedLine | null = null;
  let json = old === null ? '' : old.json;
  let replaced = 0;
  for (const form of forms) {
    const standing = line ?? old;
    if (standing !== null && compareVersions(form, standing) <= 0) continue;
    const text = lineJson(form);
    if (standing !== null && text !== json) replaced += 1;
    line = form;
    json = text;
  }
  return { line, json, replaced };
}

/** A line as it is answered. Its fields stand in a fixed order, so equal lines have equal text. */
function lineJson(line: Line): string {
  return `${openLineJson(line)},"amount":${textFromE4(amountE4(line))}}`;
}
