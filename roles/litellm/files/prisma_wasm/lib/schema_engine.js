// The methods that Prisma's command line calls, on the WebAssembly engine.
'use strict';

const fs = require('node:fs');
const { bindSqlAdapterFactory } = require('@prisma/driver-adapter-utils');
const { readDatasourceUrl } = require('./datasource');
const { MigrationError, readMigrations } = require('./migrations');
const { adapterFactory } = require('./schema_connection');
const { loadWasm } = require('./wasm');

const EVERYTHING = { externalTables: [], externalEnums: [] };
const SCHEMA_NAME = 'schema.prisma';

class SchemaEngine {
  /** `print` shows the client a text, as the result of a diff. */
  constructor(schemaFile, print) {
    this.schema = schemaFile && fs.readFileSync(schemaFile, 'utf8');
    this.print = print;
  }

  /** The engine, connected on first use; all calls of one process concern one database. */
  async connected(url) {
    this.core ??= await this.connect(url ?? urlOf(this.schema));
    return this.core;
  }

  async connect(url) {
    const factory = adapterFactory(url, {
      onScriptError: (script, error) => {
        this.failedScript = { script, error };
      },
    });
    // An error of the first connection is clearer than what the engine makes of it.
    await (await factory.connect()).dispose();
    const bindings = await loadWasm('schema-engine-wasm/schema_engine');
    const datamodels = this.schema ? [[SCHEMA_NAME, this.schema]] : undefined;
    return bindings.SchemaEngine.new({ datamodels }, () => {}, bindSqlAdapterFactory(factory));
  }

  async listMigrationDirectories({ migrationsDirectoryPath }) {
    return { migrations: readMigrations(migrationsDirectoryPath).migrationDirectories.map(({ path }) => path) };
  }

  async applyMigrations({ migrationsDirectoryPath }) {
    const engine = await this.connected();
    const migrationsList = readMigrations(migrationsDirectoryPath);
    this.failedScript = undefined;
    try {
      return await engine.applyMigrations({ migrationsList, filters: EVERYTHING });
    } catch (error) {
      const { script, error: cause } = this.failedScript ?? {};
      const failed = migrationsList.migrationDirectories.find(({ migrationFile }) => migrationFile.content.value === script);
      throw failed ? new MigrationError(failed.path, cause) : error;
    }
  }

  async diagnoseMigrationHistory({ migrationsDirectoryPath }) {
    const engine = await this.connected();
    const migrationsList = readMigrations(migrationsDirectoryPath);
    return engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: EVERYTHING });
  }

  async markMigrationApplied({ migrationName, migrationsDirectoryPath }) {
    const engine = await this.connected();
    return engine.markMigrationApplied({ migrationName, migrationsList: readMigrations(migrationsDirectoryPath), filters: EVERYTHING });
  }

  async markMigrationRolledBack({ migrationName }) {
    return (await this.connected()).markMigrationRolledBack({ migrationName });
  }

  async schemaPush({ force, schema }) {
    const files = [{ path: SCHEMA_NAME, content: this.schema ?? schema }];
    return (await this.connected()).schemaPush({ force, schema: { files }, filters: EVERYTHING });
  }

  async getDatabaseVersion(parameters) {
    return (await this.connected(parameters?.datasource?.url)).version(parameters);
  }

  async ensureConnectionValidity(parameters) {
    await this.connected(parameters?.datasource?.url);
    return {};
  }

  async dbExecute({ datasourceType, script }) {
    const url = datasourceType.tag === 'url' ? datasourceType.url : urlOf(schemaFiles(datasourceType)[0].content);
    const adapter = await adapterFactory(url).connect();
    try {
      await adapter.executeScript(script);
    } finally {
      await adapter.dispose();
    }
    return null;
  }

  async diff({ from, to, script, exitCode }) {
    const sides = [diffSide(from), diffSide(to)];
    const url = sides.find((side) => side.url)?.url ?? (this.schema ? undefined : process.env.DATABASE_URL);
    const engine = await this.connected(url);
    const [start, end] = sides.map(({ target }) => target);
    const result = await engine.diff({ from: start, to: end, shadowDatabaseUrl: null, script, exitCode, filters: EVERYTHING });
    if (result.stdout) this.print(result.stdout);
    return { exitCode: result.exitCode };
  }
}

const METHODS = new Set(Object.getOwnPropertyNames(SchemaEngine.prototype).filter((name) => !['constructor', 'connect', 'connected'].includes(name)));

const urlOf = (schema) => readDatasourceUrl(schema ?? '', process.env).href;

/** One side of a comparison with its files read, and the database it lives in, if any. */
function diffSide(target) {
  const configDir = process.cwd();
  switch (target.tag) {
    case 'schemaDatamodel':
      return { target: { tag: 'schemaDatamodel', files: schemaFiles(target) } };
    case 'schemaDatasource': {
      const files = schemaFiles(target);
      return { url: urlOf(files[0].content), target: { tag: 'schemaDatasource', files, configDir } };
    }
    case 'url': {
      // The engine wants a schema. It connects through the adapter; the URL in here is never used and holds no password.
      const content = 'datasource db {\n  provider = "postgresql"\n  url = "postgresql://localhost/database"\n}\n';
      return { url: target.url, target: { tag: 'schemaDatasource', files: [{ path: SCHEMA_NAME, content }], configDir } };
    }
    case 'migrations':
      return { target: { tag: 'migrations', ...readMigrations(target.path) } };
    default:
      return { target };
  }
}

const schemaFiles = (target) => [{ path: SCHEMA_NAME, content: fs.readFileSync(target.schema ?? target.files[0].path, 'utf8') }];

module.exports = { METHODS, SchemaEngine };
