// The port of the lake: raw object storage, flat names with slashes, whole objects.

export interface ObjectInfo {
  readonly name: string;
  readonly bytes: number;
}

/** Object storage. Names are relative, made of [A-Za-z0-9._=-] and slashes, never with an empty, `.` or `..` part. */
export interface ObjectStore {
  /**
   * Stores an object under a name, replacing the one that was there. Resolves when it is on disk; a reader sees all of it
   * or none.
   * @throws unavailable  it may or may not be stored: put it again
   */
  put(name: string, data: Uint8Array): Promise<void>;

  /** The whole object; null when there is none. */
  get(name: string): Promise<Buffer | null>;

  /** Objects whose names start with `prefix`, in order of name. */
  list(prefix: string): AsyncIterable<ObjectInfo>;

  /** Removes an object; one that is not there is no error. */
  delete(name: string): Promise<void>;
}
