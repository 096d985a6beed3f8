// What GET /metrics answers.
import Type from 'typebox';
import { answer } from '../docs/operation.ts';

const metrics = `# HELP tillstream_lines_accepted_total Invoice lines accepted, that is on disk and acknowledged to their sender.
# TYPE tillstream_lines_accepted_total counter
tillstream_lines_accepted_total 3
`;

export const operation = {
  config: { access: 'read' },
  schema: {
    operationId: 'getMetrics',
    summary: 'Metrics for Prometheus',
    description: 'In the text format of Prometheus. Alert rules and a dashboard for them come with Tillstream.',
    tags: ['Platform'],
    response: {
      200: answer('text/plain', 'The metrics.', Type.String(), {
        metrics: { summary: 'One of them', value: metrics },
      }),
    },
  },
} as const;
