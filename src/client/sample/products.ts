// The wares of a gift shop that does not exist: codes, descriptions and prices, the same for the same seed.
import type { Random } from './random.ts';
import { PRODUCTS, prices } from './shape.ts';

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

// biome-ignore format: a list
const SIZES = ['', '', '', 'TINY', 'TALL', 'ROUND', 'PAIR OF', 'TRIO OF', 'SET/5', 'PETITE', 'FOLDING', 'STACKING', 'MIDI', 'OVAL'];
// biome-ignore format: a list
const LOOKS = [
  'INDIGO', 'SAFFRON', 'OCHRE', 'TEAL', 'PLUM', 'MINT', 'CORAL', 'SLATE', 'PEBBLE', 'MOSS', 'HARBOUR', 'MEADOW', 'BRAMBLE',
  'FOXGLOVE', 'ORCHARD', 'LIGHTHOUSE', 'REGATTA', 'TARTAN', 'HERRINGBONE', 'GINGKO', 'FJORD', 'ATELIER', 'HAZEL', 'THISTLE',
  'COBALT', 'MARMALADE', 'QUAYSIDE', 'TWEED',
];
// biome-ignore format: a list
const MATERIALS = [
  '', 'OAK', 'CORK', 'LINEN', 'WILLOW', 'ENAMEL', 'STONEWARE', 'COPPER', 'BAMBOO', 'FELT', 'JUTE', 'BEECH', 'PEWTER',
];
// biome-ignore format: a list
const THINGS = [
  'TEAPOT', 'EGG TIMER', 'BREAD BIN', 'COASTERS', 'BOOKENDS', 'JAM POT', 'LETTER RACK', 'PEG BAG', 'DOOR WEDGE', 'KEY HOOK',
  'SEWING KIT', 'PENCIL POT', 'WINE RACK', 'PLANT POT', 'WATERING CAN', 'BIRD FEEDER', 'BUNTING', 'PILLBOX', 'HAND MIRROR',
  'SOAP DISH', 'TOAST RACK', 'BUTTER DISH', 'PIE FUNNEL', 'STRING DISPENSER', 'LUGGAGE TAG', 'PICNIC RUG', 'FLASK', 'HOT PAD',
  'DOMINOES', 'SKITTLES', 'MUSIC BOX', 'SNOW DOME', 'GARLAND', 'NAPKIN RINGS', 'CHEESE BOARD', 'RECIPE BOX',
];
/** Now and then a description has what CSV files and encodings stumble over: quotes, commas, accents, a pound sign. */
// biome-ignore format: a list
const ENDS = ['7" ACROSS', 'LARGE, BOXED', 'CAFÉ STYLE', 'CRÈME', '"HOME & AWAY"', 'NOËL', '£1 EACH'];
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
