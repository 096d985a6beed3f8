// Windows-1252, what spreadsheets write where they do not write UTF-8; a superset of ISO-8859-1's printable characters.

/** What it has in the place of ISO-8859-1's control characters 0x80 to 0x9F; the five that mean nothing stay what they are. */
const HIGH = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

export function textOfWindows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\u0080-\u009f]/g, (char) => HIGH.charAt(char.charCodeAt(0) - 0x80));
}

export function utf8OfWindows1252(bytes: Buffer): Buffer {
  return Buffer.from(textOfWindows1252(bytes));
}
