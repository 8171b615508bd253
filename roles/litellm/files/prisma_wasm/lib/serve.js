// Brings the parts of the query engine together.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { UsageError } = require('./arguments');
const { connectionSettings } = require('./connection');
const { readDatasourceUrl } = require('./datasource');
const { Engine } = require('./engine');
const { endOnPanic, endWith } = require('./lifetime');
const { ConnectionPool } = require('./pool');
const { createServer } = require('./server');

async function serve(options, environment) {
  const schemaFile = options.datamodelPath ?? environment.PRISMA_DML_PATH;
  if (!schemaFile) throw new UsageError('the schema is named neither by --datamodel-path nor by PRISMA_DML_PATH');
  const datamodel = fs.readFileSync(schemaFile, 'utf8');
  const settings = connectionSettings(readDatasourceUrl(datamodel, environment), environment);
  const pool = new ConnectionPool(settings);
  endOnPanic();
  const engine = await Engine.start({
    datamodel,
    settings,
    pool,
    rawAsRows: wantsRows(schemaFile, environment),
    logQueries: Boolean(options.logQueries || environment.LOG_QUERIES),
  });
  const server = createServer(engine, pool);
  endWith(server, pool);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
}

/** Clients up to 0.12 read raw rows another way than later ones. The client's version lies beside it in site-packages. */
function wantsRows(schemaFile, environment) {
  const wanted = environment.PRISMA_WASM_RAW_ROWS;
  if (wanted) {
    if (!['objects', 'table'].includes(wanted)) throw new Error('PRISMA_WASM_RAW_ROWS must be objects or table');
    return wanted === 'objects';
  }
  try {
    const sitePackages = path.join(path.dirname(fs.realpathSync(schemaFile)), '..');
    return fs.readdirSync(sitePackages).some((name) => /^prisma-0\.(\d|1[0-2])(\.\d+)*\.dist-info$/.test(name));
  } catch {
    return false;
  }
}

module.exports = { serve };
