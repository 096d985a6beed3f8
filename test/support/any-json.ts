// JSON as a test reads it. A field that is not there is undefined: the assertion behind it says so.
// biome-ignore lint/suspicious/noExplicitAny: what was asked for is checked by what is asserted of it, a type would say it twice
export type AnyJson = any;
