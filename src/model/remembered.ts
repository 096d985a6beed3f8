/** What a text came to when it was read last. */
export class Remembered {
  #raw: unknown = undefined;
  #read = '';

  /** undefined when it is another text than last time. */
  last(raw: unknown): string | undefined {
    // What was refused, or never there, reads as empty: it must be refused again.
    return raw === this.#raw && this.#read !== '' ? this.#read : undefined;
  }

  keep(raw: unknown, read: string): string {
    this.#raw = raw;
    this.#read = read;
    return read;
  }
}
