// What the platform answers, as far as the command line reads it.
import type { Static } from 'typebox';
import type { Key, Keys, MadeKey, Token } from '../access/access-schema.ts';
import type { ImportReport } from '../imports/import.ts';
import type { Figures, OfAll, OfEachPeriod, Product, Sales } from '../query/analytics-schema.ts';
import type { Backups } from '../query/backup-schema.ts';
import type { Customer, History, Invoice } from '../query/orders-schema.ts';
import type { Discarded, Entries, Entry, Redriven } from '../query/quarantine-schema.ts';
import type { Rebuild, Rebuilds } from '../query/rebuild-schema.ts';
import type { Status } from '../query/status-schema.ts';

export type { BackupReport as BackupAnswer } from '../platform/backup.ts';
export type { VerifyReport as VerifyAnswer } from '../platform/verify.ts';
export type { QueryAnswer } from '../stores/warehouse/warehouse.ts';

export type StatusAnswer = Static<typeof Status>;
export type BackupsAnswer = Static<typeof Backups>;
export type RebuildAnswer = Static<typeof Rebuild>;
export type RebuildsAnswer = Static<typeof Rebuilds>;
export type InvoiceAnswer = Static<typeof Invoice>;
export type CustomerAnswer = Static<typeof Customer>;
export type HistoryAnswer = Static<typeof History>;
export type InvoiceSummary = HistoryAnswer['invoices'][number];
export type SalesFigures = Static<typeof Figures>;
export type SalesAnswer = Static<typeof Sales>;
export type ProductFigures = Static<typeof Product>;
export type ProductsAnswer = Partial<Static<typeof OfAll> & Static<typeof OfEachPeriod>>;
export type QuarantineEntryAnswer = Static<typeof Entry>;
export type QuarantineListAnswer = Static<typeof Entries>;
export type SettledAnswer = Static<typeof Redriven> | Static<typeof Discarded>;
/** A page of them. */
export interface ImportsAnswer {
  readonly imports: readonly ImportReport[];
  readonly next: string | null;
}

export type KeyAnswer = Static<typeof Key>;
export type MadeKeyAnswer = Static<typeof MadeKey>;
export type KeysAnswer = Static<typeof Keys>;
export type TokenAnswer = Static<typeof Token>;
