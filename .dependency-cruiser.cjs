// The import rules of docs/ARCHITECTURE.md, "Rooms": model <- ports <- adapters; only platform/ and cli/ wire.
const adapters = '^src/(stream/lmdb-|stores/lmdb-environment|stores/[a-z]+/(file-|lmdb-|duckdb-)|imports/duckdb-)';
const wiring = '^src/(platform|cli)/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'model-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/model/' },
      to: { path: '^src/', pathNot: '^src/model/' },
    },
    {
      name: 'ports-import-only-the-model',
      severity: 'error',
      from: {
        path: '^src/(stream/event-stream|stores/lake/object-store|stores/orders/order-store|stores/warehouse/warehouse|stores/quarantine/quarantine|stores/credentials/credential-store)\\.ts$',
      },
      to: {
        path: '^src/',
        pathNot: '^src/(model/|stream/event-stream|stores/lake/object-store|stores/quarantine/quarantine)',
      },
    },
    {
      name: 'only-wiring-reaches-an-adapter',
      severity: 'error',
      from: { path: '^src/', pathNot: [wiring, adapters] },
      to: { path: adapters },
    },
    {
      name: 'adapters-never-import-one-another',
      severity: 'error',
      // An adapter may have several files of its own technology ($1 and $2 are the groups of `from`); what speaks to DuckDB
      // elsewhere may use the warehouse's words.
      from: { path: '^src/(stream|imports|stores/[a-z]+)/(lmdb|file|duckdb)-' },
      to: {
        path: '^src/(stream|imports|stores/[a-z]+)/(lmdb|file|duckdb)-',
        pathNot: ['^src/$1/$2-', '^src/stores/warehouse/duckdb-'],
      },
    },
    {
      name: 'lmdb-and-duckdb-only-in-their-adapters',
      severity: 'error',
      from: { path: '^src/', pathNot: [adapters, '^src/platform/'] },
      to: { path: 'node_modules/(lmdb|@duckdb)/' },
    },
    {
      name: 'only-wiring-imports-wiring',
      severity: 'error',
      from: { path: '^src/', pathNot: wiring },
      to: { path: wiring },
    },
    {
      name: 'platform-never-imports-the-command-line',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'what-observes-knows-only-model-and-ports',
      severity: 'error',
      from: { path: '^src/observe/' },
      to: {
        path: '^src/',
        pathNot:
          '^src/(observe/|model/|docs/operation\\.ts|stream/(consumer|event-stream)\\.ts|stores/[a-z]+/(object-store|order-store|warehouse|quarantine)\\.ts)',
      },
    },
    {
      name: 'the-client-knows-only-http-and-the-model',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/', pathNot: '^src/(client|model)/' },
    },
    { name: 'not-to-test', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench)/' } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
