// The counters and gauges that Prisma's native engine calls by these names, as far as they exist here.
'use strict';

function collect(engine, pool) {
  const { open, idle, busy, waiting, limit } = pool.counts();
  const entry = (key, value, description) => ({ key, labels: {}, value, description });
  return {
    counters: [entry('prisma_client_queries_total', engine.queries, 'Total number of Prisma Client queries executed')],
    gauges: [
      entry('prisma_pool_connections_open', open, 'Number of currently open pool connections'),
      entry('prisma_pool_connections_idle', idle, 'Number of currently unused pool connections'),
      entry('prisma_pool_connections_busy', busy, 'Number of currently busy pool connections'),
      entry('prisma_pool_connections_limit', limit, 'Highest number of pool connections'),
      entry('prisma_client_queries_wait', waiting, 'Number of queries waiting for a pool connection'),
    ],
  };
}

const asJson = (engine, pool) => ({ ...collect(engine, pool), histograms: [] });

function asText(engine, pool) {
  const { counters, gauges } = collect(engine, pool);
  const lines = (kind) => ({ key, value, description }) => `# HELP ${key} ${description}\n# TYPE ${key} ${kind}\n${key} ${value}\n`;
  return [...counters.map(lines('counter')), ...gauges.map(lines('gauge'))].join('');
}

module.exports = { asJson, asText };
