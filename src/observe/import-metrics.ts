// The metrics of imports. They belong to those of metrics.ts.
import type { Metric } from './prometheus.ts';
import type { Reading } from './reading.ts';

const ENDS = ['done', 'already_imported', 'checked', 'cancelled', 'failed'] as const;

export const importMetrics: readonly Metric<Pick<Reading, 'imports'>>[] = [
  {
    name: 'tillstream_imports_open',
    type: 'gauge',
    help: 'Imports that have not ended, by state: waiting (for their turn), running, needs_answer (of their owner).',
    labels: ['state'],
    samples: ({ imports: { open } }) => Object.entries(open).map(([state, value]) => ({ labels: { state }, value })),
  },
  {
    name: 'tillstream_imports_ended_total',
    type: 'counter',
    help: 'Imports that have ended, by how: done, already_imported (the same bytes came before), checked (a dry run), cancelled, failed.',
    labels: ['state'],
    samples: ({ imports: { ended } }) => ENDS.map((state) => ({ labels: { state }, value: ended.get(state) ?? 0 })),
  },
  {
    name: 'tillstream_import_rows_total',
    type: 'counter',
    help: 'Rows of the files of imports that are done, those included that could not be used.',
    samples: ({ imports: { rows } }) => [{ value: rows }],
  },
  {
    name: 'tillstream_import_rejected_rows_total',
    type: 'counter',
    help: 'Rows of them that could not be used, and went to quarantine.',
    samples: ({ imports: { rejected } }) => [{ value: rejected }],
  },
  {
    name: 'tillstream_import_seconds_total',
    type: 'counter',
    help: 'How long imports that have ended took, from the first look at their files; waiting for an answer counts.',
    samples: ({ imports: { seconds } }) => [{ value: seconds }],
  },
];
