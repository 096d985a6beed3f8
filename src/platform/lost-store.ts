// A store that was lost does not fill again by itself where imports have brought lines: the stream alone would leave it with a part
// of what the lake has, and nothing would say so.
import type { Pipeline } from '../pipelines/pipeline.ts';
import { committedImports } from '../stores/lake/import-parts.ts';
import { importsGap } from '../stream/stream-gap.ts';

/**
 * The pipeline, whose checkpoint() tells of the loss.
 * @param lake its directory
 * @throws stream_gap  (checkpoint) the store holds nothing, and imports are in the lake
 */
export function tellingOfLoss(
  pipeline: Pipeline,
  store: { readonly isNew: () => Promise<boolean> },
  lake: string,
): Pipeline {
  return {
    ...pipeline,
    async checkpoint() {
      const checkpoint = await pipeline.checkpoint();
      if (checkpoint !== null || !(await store.isNew())) return checkpoint;
      const imports = await committedImports(lake);
      if (imports.some(({ parts }) => parts.length > 0)) throw importsGap(pipeline.store);
      return null;
    },
  };
}
