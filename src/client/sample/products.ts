// The wares of a gift shop that does not exist: codes, descriptions and prices, the same for the same seed.
import { type Random, Weighted } from './random.ts';
import { linesByRank, PRODUCTS, prices } from './shape.ts';
import { ENDS, LOOKS, MATERIALS, SIZES, THINGS } from './words.ts';

export interface Product {
  readonly stockCode: string;
  readonly description: string;
  /** Pence, as listed. */
  readonly price: number;
  /** Pence a piece for those who buy many. */
  readonly bulkPrice: number;
  /** Pence that guests pay, with tax. */
  readonly guestPrice: number;
}

const END_CHANCE = 0.03;

/** In the real data set 27 % have a letter, for a colour or a pattern. */
const LETTER_CHANCE = 0.27;
const CODE_FIRST = 30_000;
const CODES = 60_000;
/** Has no divisor in common with the number of codes: none comes twice, and neighbours are unlike. */
const CODE_STEP = 7_919;

/** By rank of popularity. */
export function makeProducts(random: Random): Product[] {
  const products: Product[] = [];
  const taken = new Set<string>();
  while (products.length < PRODUCTS) {
    const description = describe(random);
    if (taken.has(description)) continue;
    taken.add(description);
    const digits = CODE_FIRST + ((products.length * CODE_STEP) % CODES);
    const letter = random.chance(LETTER_CHANCE) ? String.fromCharCode(65 + random.below(16)) : '';
    const price = prices.draw(random);
    products.push({
      stockCode: `${digits}${letter}`,
      description,
      price,
      bulkPrice: Math.max(1, Math.round(price * 0.85)),
      guestPrice: Math.round(price * 1.69),
    });
  }
  return products;
}

function describe(random: Random): string {
  const words = [SIZES, LOOKS, MATERIALS, THINGS].map((list) => list[random.below(list.length)] ?? '');
  if (random.chance(END_CHANCE)) words.push(ENDS[random.below(ENDS.length)] ?? '');
  return words.filter((word) => word !== '').join(' ');
}

function popularity(rank: number): number {
  const above = linesByRank.findIndex(([at]) => at > rank);
  const [highRank, highLines] = linesByRank[above] ?? [0, 1];
  const [lowRank, lowLines] = linesByRank[above - 1] ?? [0, 1];
  return lowLines + ((highLines - lowLines) * (rank - lowRank)) / (highRank - lowRank);
}

/** A slot for about every line of the real data set, so that products sold but a few times a year are there too. */
export const productRanks = new Weighted<number>(
  Array.from({ length: PRODUCTS }, (_, rank) => [rank, popularity(rank)] as const),
  2 ** 19,
);
