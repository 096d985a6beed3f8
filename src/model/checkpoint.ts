/** How far a store has taken a stream in. Kept by the store itself, so that the two cannot come apart unnoticed. */
export interface Checkpoint {
  /** Id of the stream the sequence belongs to. */
  readonly streamId: string;
  /** Of the last record that the store has on disk, or that waits in quarantine. */
  readonly sequence: string;
}
