/** What a text came to when it was read last. */
export class Remembered {
  #raw: unknown = undefined;
  #read = '';

  /** undefined when it is another text than last time. */
  last(raw: unknown): string | undefined {
    return raw === this.#raw && this.#read !== '' ? this.#read : undefined;
  }

  keep(raw: unknown, read: string): string {
    // What was refused reads as empty: it must be refused again.
    if (read === '') return read;
    this.#raw = raw;
    this.#read = read;
    return read;
  }
}
