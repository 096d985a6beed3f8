// What the platform answers, as far as the command line reads it.
import type { RunningBackup } from '../platform/operator.ts';
import type { QuarantineState } from '../stores/quarantine/quarantine.ts';

export type { BackupReport as BackupAnswer } from '../platform/backup.ts';
export type { Status as StatusAnswer } from '../platform/status.ts';
export type { VerifyReport as VerifyAnswer } from '../platform/verify.ts';
export type { QueryAnswer } from '../stores/warehouse/warehouse.ts';

export interface BackupsAnswer {
  readonly running: RunningBackup | null;
}

export interface InvoiceSummary {
  readonly invoiceNo: string;
  readonly invoiceDate: string;
  readonly total: number;
  readonly lineCount: number;
  readonly cancellation: boolean;
}

export interface InvoiceAnswer extends InvoiceSummary {
  readonly customerId: string | null;
  readonly country: string;
  readonly lines: readonly {
    readonly lineId: string;
    readonly stockCode: string;
    readonly description: string | null;
    readonly quantity: number;
    readonly unitPrice: number;
    readonly amount: number;
  }[];
}

export interface CustomerAnswer {
  readonly customerId: string;
  readonly country: string;
  readonly firstPurchase: string;
  readonly lastPurchase: string;
  readonly invoices: number;
  readonly cancellations: number;
  readonly spent: number;
}

export interface HistoryAnswer {
  readonly invoices: readonly InvoiceSummary[];
  readonly next: string | null;
}

export interface SalesFigures {
  readonly revenue: number;
  readonly grossRevenue: number;
  readonly cancelled: number;
  readonly orders: number;
  readonly lines: number;
  readonly units: number;
  readonly customers: number;
}

export interface SalesAnswer {
  readonly by: string;
  readonly totals: SalesFigures;
  readonly average: SalesFigures;
  readonly periods: readonly (SalesFigures & { readonly period: string })[];
}

export interface ProductFigures {
  readonly stockCode: string;
  readonly description: string | null;
  readonly units: number;
  readonly revenue: number;
  readonly orders: number;
}

export interface ProductsAnswer {
  readonly products?: readonly ProductFigures[];
  readonly periods?: readonly { readonly period: string; readonly products: readonly ProductFigures[] }[];
}

export interface QuarantineEntryAnswer {
  readonly id: string;
  readonly store: string;
  readonly sequence: string;
  readonly state: QuarantineState;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  readonly arrivedAt: string;
  readonly quarantinedAt: string;
  readonly bytes: number;
}

export interface QuarantineListAnswer {
  readonly entries: readonly QuarantineEntryAnswer[];
  readonly next: string | null;
}

export interface SettledAnswer {
  readonly id: string;
  readonly state: QuarantineState;
  readonly message?: string;
}

export interface KeyAnswer {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly usable: boolean;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
}

export interface MadeKeyAnswer extends KeyAnswer {
  readonly key: string;
}

export interface KeysAnswer {
  readonly keys: readonly KeyAnswer[];
}

export interface TokenAnswer {
  readonly token: string;
  readonly tokenId: string;
  readonly customerId: string;
  readonly expiresAt: string;
}
