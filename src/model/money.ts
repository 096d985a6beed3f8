// Exact money: whole ten-thousandths ("E4"), BigInt for sums, never floating point.

/** Price or amount in pounds with at most four decimals → whole ten-thousandths. Exact up to 10^11. */
export function toE4(pounds: number): number {
  return Math.round(pounds * 10_000);
}

/** Amount of a line in ten-thousandths: at most 10^15, an exact integer. */
export function amountE4(line: { readonly quantity: number; readonly unitPrice: number }): number {
  return line.quantity * toE4(line.unitPrice) + 0; // + 0: never minus zero
}

/** Ten-thousandths → pounds as a JSON number. Reads back exactly up to 2^38 pounds (274 thousand million). */
export function poundsFromE4(e4: number | bigint): number {
  return Number(e4) / 10_000;
}

/** Ten-thousandths → exact decimal text without trailing zeros: `97477479340n` → `9747747.934`. */
export function textFromE4(e4: number | bigint): string {
  const value = BigInt(e4);
  const digits = (value < 0n ? -value : value).toString().padStart(5, '0');
  const fraction = digits.slice(-4).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -4)}${fraction === '' ? '' : `.${fraction}`}`;
}
