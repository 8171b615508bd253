// `schema-engine cli`: whether a database can be reached, and making or dropping it.
'use strict';

const { adapterFactory } = require('./schema_connection');
const { parseDatabaseUrl } = require('./datasource');

// Databases that exist on every server, to connect to while another is made.
const MAINTENANCE = ['postgres', 'template1'];

async function runCommand(command, datasource) {
  if (command === 'can-connect-to-database') {
    const adapter = await adapterFactory(datasource).connect();
    await adapter.dispose();
    return;
  }
  const name = decodeURIComponent(parseDatabaseUrl(datasource).pathname.slice(1));
  const quoted = `"${name.replaceAll('"', '""')}"`;
  const adapter = await connectForMaintenance(datasource);
  await adapter.executeScript(command === 'create-database' ? `CREATE DATABASE ${quoted}` : `DROP DATABASE ${quoted}`);
  await adapter.dispose();
  // Prisma's command line looks for this sentence.
  process.stderr.write(`The database was successfully ${command === 'create-database' ? 'created' : 'dropped'}.\n`);
}

async function connectForMaintenance(datasource) {
  let last;
  for (const database of MAINTENANCE) {
    try {
      return await adapterFactory(datasource, { database }).connect();
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

module.exports = { runCommand };
