// How long a platform may take to end. Ctrl-C ends it within five seconds, whatever hangs: a client, a batch, a disk.
//
// In this order: answers, then batches, both within what close() may take, then what lingers in the process. What is cut
// off loses nothing: a line without an answer is sent again, a batch is delivered after the next start.

/** Answers under way, each of which waits for its commit only. */
export const ANSWERS_TIMEOUT_MS = 1500;
/** Batches under way, in all threads at once. */
export const BATCHES_TIMEOUT_MS = 2000;
/** The commit under way, after them: whoever waited for it has been answered, or has gone. */
export const STREAM_TIMEOUT_MS = 500;
/** All of close(): leaves half a second to end the threads and to close the stores. */
export const CLOSE_TIMEOUT_MS = 4500;
/** What is still open when all is closed is of no use to anyone. */
export const LINGER_TIMEOUT_MS = 300;
