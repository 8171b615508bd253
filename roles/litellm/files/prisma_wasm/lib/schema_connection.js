// The connection of the schema engine: one session, so that its advisory lock and its settings hold for all it does.
'use strict';

const { PrismaPg } = require('@prisma/adapter-pg');
const { connectionSettings } = require('./connection');
const { parseDatabaseUrl } = require('./datasource');

// adapter-pg refuses results of these types; they go to the engine as the text they are.
const TEXT = 25;
const TEXT_ARRAY = 1009;
const PLAIN_TYPES = new Map([
  [18, TEXT], [19, TEXT], [22, TEXT], [28, TEXT], [30, TEXT], [194, TEXT], [2205, TEXT], [2206, TEXT], [2278, TEXT], [1003, TEXT_ARRAY],
]);

/**
 * A factory of adapters for the engine. `database` replaces the one in the URL; `onScriptError` hears of a script that failed,
 * in PostgreSQL's words, which the engine does not pass on.
 */
function adapterFactory(text, { database, onScriptError = () => {} } = {}) {
  const { pool, schema, tls, connectTimeout } = connectionSettings(parseDatabaseUrl(text));
  const config = { ...pool, database: database ?? pool.database, max: 1, connectionTimeoutMillis: connectTimeout, ssl: tls.options };
  // A migration may take its time.
  delete config.query_timeout;
  const factory = new PrismaPg(config, { schema });
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    try {
      return adapt(await connectAndProve(connect), onScriptError);
    } catch (error) {
      if (!tls.optional || !config.ssl || !/does not support (SSL|TLS)/.test(messageOf(error))) throw error;
      config.ssl = false;
      return adapt(await connectAndProve(connect), onScriptError);
    }
  };
  return factory;
}

async function connectAndProve(connect) {
  const adapter = await connect();
  try {
    await adapter.executeRaw({ sql: 'SELECT 1', args: [], argTypes: [] });
  } catch (error) {
    await adapter.dispose();
    throw error;
  }
  return adapter;
}

const messageOf = (error) => `${error.message} ${error.cause?.reason ?? ''}`;

function adapt(adapter, onScriptError) {
  // The original cuts a script at every semicolon, also inside functions and texts.
  adapter.executeScript = async (script) => {
    try {
      await adapter.underlyingDriver().query(script);
    } catch (error) {
      onScriptError(script, error);
      adapter.onError(error);
    }
  };
  const performIO = adapter.performIO.bind(adapter);
  adapter.performIO = async (query) => {
    const result = await performIO(query);
    for (const field of result.fields ?? []) field.dataTypeID = PLAIN_TYPES.get(field.dataTypeID) ?? field.dataTypeID;
    return result;
  };
  return adapter;
}

module.exports = { adapterFactory };
