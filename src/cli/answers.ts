// What the platform answers, as far as the command line reads it. The routes' schemas (/openapi.json) are the reference.

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

export interface QueryAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
}

export interface StatusAnswer {
  readonly version: string;
  readonly dataDirectory: string;
  readonly uptimeSeconds: number;
  readonly timeZone: string;
  readonly accepting: { readonly open: boolean; readonly reason: string | null };
  readonly stream: { readonly records: number; readonly bytes: number; readonly bytesMax: number };
  readonly consumers: readonly {
    readonly store: string;
    readonly state: 'running' | 'waiting' | 'stopped';
    readonly lagRecords: number;
    readonly lagSeconds: number;
    readonly freshnessMs: number | null;
    readonly error: { readonly code: string; readonly message: string } | null;
  }[];
  readonly quarantine: { readonly waiting: number; readonly redriven: number; readonly discarded: number };
  readonly accepted: { readonly lines: number; readonly requests: number; readonly linesPerSecond: number };
  readonly replaced: number;
  readonly disk: { readonly freeBytes: number; readonly reserveBytes: number };
}

interface DayFigures {
  readonly lines: number;
  readonly revenue: string;
  readonly hash: string;
}

export interface VerifyAnswer {
  readonly agrees: boolean;
  readonly sequence: string | null;
  readonly seconds: number;
  readonly replaced: number;
  readonly stores: readonly {
    readonly store: string;
    readonly lines: number;
    readonly invoices: number | null;
    /** Exact decimal text. */
    readonly revenue: string;
    readonly agrees: boolean;
    readonly quarantined: number;
    readonly discarded: number;
    readonly firstDifference: {
      readonly day: string;
      readonly expected: DayFigures | null;
      readonly actual: DayFigures | null;
    } | null;
  }[];
}

export interface QuarantineEntryAnswer {
  readonly id: string;
  readonly store: string;
  readonly sequence: string;
  readonly state: 'waiting' | 'redriven' | 'discarded';
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
  readonly state: string;
  readonly message?: string | null;
}
