// How anything says what an operator should know. Where it is written is the platform's business.

/**
 * A sentence and its details, for a person and for a program that reads logs. Neither holds customers' data, at any level: ids of
 * records, keys and requests do, and codes; an error goes in as `err`, and what it says is left out where it could quote data.
 */
export type WriteLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  details?: Readonly<Record<string, unknown>>,
) => void;
