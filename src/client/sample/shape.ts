// The shape of a gift shop's year, measured on the real data set ("Online Retail", 541,909 lines); its texts are not used.
// test/client/generate.test.ts holds generated data, and the real data set where it is at hand, to the same shares.
// biome-ignore-all format: tables, some ten pairs a row; a pair a row would be six screens of numbers
import { Quantiles, Weighted, weightedNumbers } from './random.ts';

/** Of the real data set: how many come, and how often, follows from it. */
export const CUSTOMERS_OF_REAL = 4_372;
export const CUSTOMER_INVOICES_OF_REAL = 18_536;
export const PRODUCTS = 4_070;

export type InvoiceKind = 'customer' | 'guest' | 'stocktake' | 'cancellation';

export const invoiceKinds = new Weighted<InvoiceKind>([
  ['customer', CUSTOMER_INVOICES_OF_REAL],
  ['guest', 1_427],
  ['stocktake', 2_098],
  ['cancellation', 3_836],
]);

/** Lines an invoice: the share of invoices that have fewer. */
export const customerInvoiceLines = new Quantiles([
  [0, 1], [0.0751, 2], [0.1147, 3], [0.1829, 5], [0.2819, 8], [0.4029, 12], [0.5115, 16], [0.6137, 20], [0.7115, 25],
  [0.7763, 30], [0.857, 40], [0.9063, 50], [0.9499, 65], [0.9715, 80], [0.9897, 110], [0.9966, 150], [0.999, 240], [1, 543],
]);
export const guestInvoiceLines = new Quantiles([
  [0, 1], [0.1556, 2], [0.2263, 3], [0.2936, 5], [0.4219, 20], [0.5739, 50], [0.6826, 80], [0.7099, 110], [0.7561, 150],
  [0.8115, 180], [0.8739, 220], [0.9145, 280], [0.9397, 350], [0.9544, 420], [0.9734, 520], [0.9888, 620], [0.9993, 750],
  [1, 1_115],
]);
/** A little more than measured, since no sale is as large as some cancellations. */
export const cancellationLines = new Quantiles([
  [0, 1], [0.52, 2], [0.73, 3], [0.84, 4], [0.885, 5], [0.93, 7], [0.96, 10], [0.98, 15], [0.99, 22], [1, 64],
]);

/** Pieces that a stocktake finds, or misses. */
export const stocktakeQuantity = new Quantiles([
  [0, -9_600], [0.01, -1_512], [0.05, -360], [0.1, -152], [0.25, -45], [0.5, -6], [0.64, -1], [0.75, 30], [0.9, 84],
  [0.99, 425], [1, 5_568],
]);

/** Lines a month. The last week of December is closed. */
export const monthLines = [
  35_147, 27_707, 36_748, 29_916, 37_030, 36_874, 39_518, 35_284, 50_226, 60_742, 84_711, 42_481,
];

/** Lines a weekday, Sunday first. No Saturdays. */
export const weekdayLines = [64_375, 95_111, 101_808, 94_565, 103_857, 82_193, 0];

/** Invoices an hour. */
export const weekdayHours = new Weighted<number>([
  [6, 22], [7, 31], [8, 624], [9, 1_819], [10, 2_707], [11, 2_750], [12, 3_449], [13, 2_986], [14, 2_797], [15, 2_718],
  [16, 1_831], [17, 1_205], [18, 333], [19, 219], [20, 28],
]);
export const sundayHours = new Weighted<number>([
  [9, 5], [10, 254], [11, 415], [12, 512], [13, 383], [14, 340], [15, 351], [16, 121],
]);

/** Lines of the product of a rank, by popularity; straight in between. */
export const linesByRank: readonly (readonly [rank: number, lines: number])[] = [
  [0, 2_313], [2, 2_159], [5, 1_502], [20, 1_197], [50, 937], [100, 700], [200, 500], [400, 353], [800, 212], [1_200, 141],
  [1_600, 98], [2_000, 64], [2_500, 34], [3_000, 16], [3_500, 5], [4_000, 3], [4_100, 2],
];

/** Pence → weight. */
export const prices = weightedNumbers({
  4: 1, 10: 2, 14: 3, 19: 19, 21: 12, 29: 44, 39: 82, 42: 245, 55: 77, 65: 79, 79: 28, 85: 285, 100: 20, 125: 505,
  145: 131, 165: 382, 169: 44, 195: 131, 208: 170, 210: 177, 225: 11, 249: 14, 255: 130, 289: 27, 295: 278, 325: 22,
  375: 186, 395: 30, 415: 62, 425: 75, 495: 190, 545: 10, 595: 79, 625: 14, 675: 25, 695: 13, 795: 71, 825: 38, 850: 58,
  995: 58, 1095: 8, 1275: 38, 1495: 12, 1650: 4, 1695: 13, 1995: 6, 2495: 4, 3995: 3, 7500: 1, 16500: 1,
});

interface QuantityBand {
  /** Pence: the band holds for prices below. */
  readonly below: number;
  readonly quantities: Weighted<number>;
}

/** Pieces a line that a customer buys: shops for resale buy cheap things by the dozen. */
export const customerQuantities: readonly QuantityBand[] = [
  { below: 50, quantities: weightedNumbers({
    1: 12, 2: 9, 3: 3, 4: 4, 5: 2, 6: 4, 10: 8, 12: 15, 16: 5, 20: 3, 24: 17, 25: 9, 36: 3, 48: 6, 72: 3, 96: 2, 100: 3,
    144: 2, 200: 1, 288: 1 }) },
  { below: 100, quantities: weightedNumbers({
    1: 15, 2: 10, 3: 5, 4: 4, 5: 2, 6: 4, 8: 3, 10: 18, 12: 19, 16: 3, 20: 3, 24: 10, 36: 1.5, 48: 3, 100: 1, 144: 0.7 }) },
  { below: 200, quantities: weightedNumbers({
    1: 19, 2: 11, 3: 6, 4: 5, 5: 2, 6: 6, 8: 4, 10: 8, 12: 25, 16: 1, 20: 1.5, 24: 6, 36: 0.8, 48: 1.7, 72: 0.5, 100: 0.4,
    144: 0.7, 200: 0.2 }) },
  { below: 400, quantities: weightedNumbers({
    1: 20, 2: 14, 3: 8, 4: 10, 5: 2, 6: 19, 8: 4, 10: 4, 12: 10, 24: 3, 36: 0.5, 48: 0.9, 72: 0.4, 96: 0.2 }) },
  { below: 800, quantities: weightedNumbers({
    1: 24, 2: 22, 3: 13, 4: 18, 5: 2, 6: 9, 8: 3, 10: 1, 12: 4, 16: 0.5, 24: 1.5, 48: 0.4 }) },
  { below: Number.POSITIVE_INFINITY, quantities: weightedNumbers({
    1: 42, 2: 31, 3: 9, 4: 7, 6: 3, 8: 2, 12: 1, 24: 0.6 }) },
];

/** Once in so many lines somebody buys for a whole chain of shops. */
export const BULK_CHANCE = 1 / 1_000;
export const BULK_FACTOR_MAX = 60;

export const guestQuantities = weightedNumbers({
  1: 564, 2: 179, 3: 76, 4: 47, 5: 27, 6: 24, 7: 12, 8: 11, 9: 7, 10: 8, 11: 5, 12: 8, 13: 3, 14: 2, 15: 3, 16: 2, 24: 2,
  32: 1, 48: 1,
});

export const HOME = 'United Kingdom';

/** Of every 2,000 customers; the others live at home. */
export const customersAbroad: Readonly<Record<string, number>> = {
  Germany: 38, France: 35, EIRE: 33, Spain: 11, Netherlands: 10, Belgium: 9, Switzerland: 8, Portugal: 6, Australia: 5,
  Norway: 4, Italy: 4, 'Channel Islands': 4, Finland: 3, Cyprus: 3, Sweden: 2, Unspecified: 2, Austria: 2, Denmark: 2,
  Japan: 2, Poland: 2, Israel: 1, USA: 1, 'Hong Kong': 1, Singapore: 1, Iceland: 1, Canada: 1, Greece: 1, Malta: 1,
  'United Arab Emirates': 1, 'European Community': 1, RSA: 1, Lebanon: 1, Lithuania: 1, Brazil: 1, 'Czech Republic': 1,
  Bahrain: 1, 'Saudi Arabia': 1,
};

export const guestCountries = new Weighted<string>([
  [HOME, 1_372],
  ['EIRE', 28],
  ['Hong Kong', 11],
  ['Unspecified', 5],
  ['Israel', 3],
  ['France', 3],
  ['Switzerland', 3],
  ['Bahrain', 1],
  ['Portugal', 1],
]);
