// What a data directory holds, and so what a backup of it must: the one list. A store that is added here is made at the next
// start, copied, hashed and restored.

/** LMDB environments: copied as they are at one moment. */
export const ENVIRONMENTS = ['stream', 'orders', 'state'] as const;
/** Stores that are copied as files, while delivery is held. */
export const COPIED_STORES = [...ENVIRONMENTS, 'warehouse'] as const;
/** Of its objects, only those up to the moment of a backup belong to it; but for a few they never change. */
export const LAKE = 'lake';

export const STORE_DIRECTORIES = [...COPIED_STORES, LAKE] as const;
/** Of a rebuild alone: where a store is built anew. Never copied, and removed at a start. */
export const REBUILD = 'rebuild';

/** Where each store is. */
export type StorePaths = Readonly<Record<(typeof STORE_DIRECTORIES)[number], string>>;

/** In a data directory that began as a sample's: lines of a shop and of a sample never mix. */
export const SAMPLE_FILE = 'sample.json';
/** What makes a directory a data directory: the last that is put there. */
export const VERSION_FILE = 'version.json';
