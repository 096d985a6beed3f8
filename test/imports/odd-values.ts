// Texts that stand in fields of files and are nearly right, or not at all: for comparing two readers of them.
import fc from 'fast-check';

const BLANKS = [
  '',
  '',
  '',
  '',
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\u00a0',
  '\u2003',
  '\u3000',
  '\ufeff',
  '\u0085',
  '\u200b',
  '\u180e',
  '\u001f',
];
const blank = fc.constantFrom(...BLANKS);

/** With blanks around it, now and then. */
export function padded(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    text,
    fc.tuple(blank, text, blank).map((parts) => parts.join('')),
  );
}

const character = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...'AZaz059 .,;:-+/_\'"|\\%$£&()€é–“ßıİ𝄞☕漢') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...BLANKS,
      '\u0001',
      '\u001e',
      '\u007f',
      '\u0080',
      '\u009f',
      '\ufffd',
      '\ufffe',
      '\u2028',
    ),
  },
);

/** To the limit, and beyond. */
export function oddText(bytesMax: number): fc.Arbitrary<string> {
  const filled = fc
    .tuple(fc.constantFrom('x', 'é', '漢', '☕', '𝄞', ' ', '7'), fc.integer({ min: -2, max: 2 }))
    .map(([text, more]) => text.repeat(Math.max(0, Math.floor(bytesMax / Buffer.byteLength(text)) + more)));
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(character, { maxLength: 12 }).map((parts) => parts.join('')) },
    { weight: 2, arbitrary: filled },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', ' ', 'null', 'NULL', 'NaN', '0', '17850.0', '17850.00', '17850.5', '.0', '1e5'),
    },
  );
}

const sign = fc.constantFrom('', '', '', '-', '+', '--', '- ');
const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{0,${max}}$`));

/** Anything that looks like a number. */
export const oddNumber: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      sign,
      digits(20),
      fc.constantFrom('', '', '.', ',', '.0', '.00', '.5'),
      digits(5),
      fc.constantFrom('', '', '', 'e1', 'E-2', 'f'),
    )
    .map((parts) => parts.join('')),
  fc.constantFrom(
    '0',
    '-0',
    '+0',
    '00',
    '000001',
    '0x10',
    '0b1',
    '1_000',
    '1 000',
    '1,000',
    '٣',
    '６',
    '½',
    'NaN',
    'Infinity',
    'true',
    '-',
    '+',
    '.',
  ),
);

const near = (most: bigint) =>
  fc
    .bigInt({ min: most - 2n, max: most + 2n })
    .chain((number) => fc.constantFrom(`${number}`, `-${number}`, `+${number}`, `0${number}`));

export const oddQuantity: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: -1000, max: 1000 }).map(String) },
  { weight: 2, arbitrary: oddNumber },
  near(10_000_000n),
  near(2n ** 31n),
  fc
    .tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 30 }))
    .map(([whole, zeros]) => `${whole}.${'0'.repeat(zeros)}`),
);

export const oddPrice: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(sign, digits(7), fc.constantFrom('.', '.', '.', ','), digits(6)).map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: oddNumber },
  near(1_000_000n),
  fc.constantFrom(
    '1000000.0000',
    '1000000.0001',
    '999999.9999',
    '0.0001',
    '0.00001',
    '2.55000',
    '2.55550',
    '£2.55',
    '2.55 £',
    '-.5',
    '.5',
    '5.',
  ),
);

const number = (values: readonly number[], max: number) =>
  fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max }) }, { weight: 1, arbitrary: fc.constantFrom(...values) });
const width = fc.constantFrom(1, 2, 2);
const two = (of: fc.Arbitrary<number>) =>
  fc.tuple(of, width).map(([value, digitCount]) => String(value).padStart(digitCount, '0'));
const year = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('2010', '2011', '2012', '2100', '2000', '1900', '1899') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '0000',
      '1677',
      '1899',
      '1969',
      '1970',
      '2098',
      '2099',
      '2101',
      '9999',
      '10',
      '02010',
      '',
    ),
  },
);
const month = two(number([0, 2, 13, 99], 12));
const day = two(number([0, 29, 30, 31, 32, 99], 31));
const hour = two(number([0, 23, 24, 99], 23));
const minute = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('00', '26', '59') },
  { weight: 1, arbitrary: fc.constantFrom('60', '5', '', '99') },
);
const second = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  { weight: 4, arbitrary: minute.map((text) => `:${text}`) },
  fc.constantFrom(':59.5', ':59,123', ':60', ':61', ':00.000000001', ':7', '.5'),
);
const zone = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.constantFrom('Z', 'z', ' Z', '+01:00', '-0530', '+01', '+14:00', '+99:00', ' AM', 'PM', ' UTC'),
);
const time = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(' ', ' ', 'T', '  ', '   ', '    ', 't', ''), hour, fc.constant(':'), minute, second, zone)
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', 'T') },
);
const separator = fc.constantFrom('/', '-', '.', '/', '-', ' ', '');

export const oddDate: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(month, separator, day, year, time).map(([a, s, b, y, rest]) => `${a}${s}${b}${s}${y}${rest}`),
  },
  { weight: 1, arbitrary: fc.tuple(month, separator, day, separator, year, time).map((parts) => parts.join('')) },
  { weight: 4, arbitrary: fc.tuple(year, month, day, time).map(([y, m, d, rest]) => `${y}-${m}-${d}${rest}`) },
  { weight: 1, arbitrary: fc.tuple(year, separator, month, separator, day, time).map((parts) => parts.join('')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'today',
      '40513',
      '40513.35',
      '20101201',
      '1 Dec 2010 8:26',
      '2010-W48-3',
      '2010-335',
      'infinity',
      'epoch',
    ),
  },
);

/** A text as JSON, or what is no text. */
export function rawJson(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 5, arbitrary: text.map((each) => JSON.stringify(each)) },
    { weight: 1, arbitrary: text.map(escaped) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        '0',
        '-0',
        '6',
        '-6',
        '6.0',
        '6.5',
        '2.55',
        '2.55555',
        '1e3',
        '1E+3',
        '1e-1',
        '17850',
        '17850.0',
        '17850.5',
        '-5',
        '1e400',
        '10000000',
        '10000001',
        '9007199254740991',
        '9007199254740993',
        '12345678901234567890',
        '123456789012345678901234567890',
        '0.1',
        '1.0e1',
        '0.00001',
        '20101201',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'null',
        'true',
        'false',
        '{}',
        '[]',
        '[1]',
        '{"a":"b"}',
        '""',
        '" "',
        '"\\ud800"',
        '"\\u0000"',
        '"a\\u0000"',
        '"\\n"',
      ),
    },
  );
}

/** Every character by its number. */
function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}
