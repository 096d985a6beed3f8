// What the wares of the shop that does not exist are called.
// biome-ignore-all format: lists, some ten words a row; a word a row would be a hundred rows

export const SIZES = ['', '', '', 'TINY', 'TALL', 'ROUND', 'PAIR OF', 'TRIO OF', 'SET/5', 'PETITE', 'FOLDING', 'STACKING', 'MIDI', 'OVAL'];
export const LOOKS = [
  'INDIGO', 'SAFFRON', 'OCHRE', 'TEAL', 'PLUM', 'MINT', 'CORAL', 'SLATE', 'PEBBLE', 'MOSS', 'HARBOUR', 'MEADOW', 'BRAMBLE',
  'FOXGLOVE', 'ORCHARD', 'LIGHTHOUSE', 'REGATTA', 'TARTAN', 'HERRINGBONE', 'GINGKO', 'FJORD', 'ATELIER', 'HAZEL', 'THISTLE',
  'COBALT', 'MARMALADE', 'QUAYSIDE', 'TWEED',
];
export const MATERIALS = [
  '', 'OAK', 'CORK', 'LINEN', 'WILLOW', 'ENAMEL', 'STONEWARE', 'COPPER', 'BAMBOO', 'FELT', 'JUTE', 'BEECH', 'PEWTER',
];
export const THINGS = [
  'TEAPOT', 'EGG TIMER', 'BREAD BIN', 'COASTERS', 'BOOKENDS', 'JAM POT', 'LETTER RACK', 'PEG BAG', 'DOOR WEDGE', 'KEY HOOK',
  'SEWING KIT', 'PENCIL POT', 'WINE RACK', 'PLANT POT', 'WATERING CAN', 'BIRD FEEDER', 'BUNTING', 'PILLBOX', 'HAND MIRROR',
  'SOAP DISH', 'TOAST RACK', 'BUTTER DISH', 'PIE FUNNEL', 'STRING DISPENSER', 'LUGGAGE TAG', 'PICNIC RUG', 'FLASK', 'HOT PAD',
  'DOMINOES', 'SKITTLES', 'MUSIC BOX', 'SNOW DOME', 'GARLAND', 'NAPKIN RINGS', 'CHEESE BOARD', 'RECIPE BOX',
];
/** Now and then a description has what CSV files and encodings stumble over: quotes, commas, accents, a pound sign. */
export const ENDS = ['7" ACROSS', 'LARGE, BOXED', 'CAFÉ STYLE', 'CRÈME', '"HOME & AWAY"', 'NOËL', '£1 EACH'];
