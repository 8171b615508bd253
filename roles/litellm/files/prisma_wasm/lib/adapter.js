// The driver that the query engine calls. It answers {ok, value} or {ok: false, error}; an error that PostgreSQL reported goes to
// the engine, which knows what to make of it, any other is kept aside under a number the engine hands back.
'use strict';

const { columnKind, typeReaders } = require('./columns');
const { isDisconnection } = require('./failures');

const PROVIDER = { provider: 'postgres', adapterName: '@prisma/adapter-pg' };
const success = (value) => ({ ok: true, value, map: (change) => success(change(value)) });
const failure = (error) => ({ ok: false, error, map: () => failure(error) });

class KeptErrors {
  constructor() {
    this.errors = new Map();
    this.next = 0;
  }

  keep(error) {
    this.errors.set(this.next, error);
    return this.next++;
  }

  take(id) {
    const error = this.errors.get(id);
    this.errors.delete(id);
    return error;
  }
}

class Adapter {
  constructor(pool, schema) {
    this.pool = pool;
    this.schema = schema;
    this.kept = new KeptErrors();
  }

  /** The object the engine is given. */
  bind() {
    return {
      ...PROVIDER,
      errorRegistry: this.kept,
      queryRaw: (query) => this.attempt(() => this.withConnection((client) => queryRaw(client, query))),
      executeRaw: (query) => this.attempt(() => this.withConnection((client) => executeRaw(client, query))),
      startTransaction: () => this.attempt(() => this.startTransaction()),
      getConnectionInfo: () => success({ schemaName: this.schema }),
    };
  }

  async startTransaction() {
    const client = await this.pool.checkOut();
    let failed = false;
    const run = (action) => this.attempt(async () => {
      try {
        return await action();
      } catch (error) {
        failed ||= isDisconnection(error);
        throw error;
      }
    });
    // The engine itself sends BEGIN, COMMIT and ROLLBACK.
    const finish = () => run(async () => this.pool.giveBack(client, failed));
    return {
      ...PROVIDER,
      options: { usePhantomQuery: false },
      queryRaw: (query) => run(() => queryRaw(client, query)),
      executeRaw: (query) => run(() => executeRaw(client, query)),
      commit: finish,
      rollback: finish,
    };
  }

  async withConnection(action) {
    const client = await this.pool.checkOut();
    let failed = false;
    try {
      return await action(client);
    } catch (error) {
      failed = isDisconnection(error);
      throw error;
    } finally {
      this.pool.giveBack(client, failed);
    }
  }

  async attempt(action) {
    try {
      return success(await action());
    } catch (error) {
      if (isDisconnection(error) || typeof error.severity !== 'string') {
        return failure({ kind: 'GenericJs', id: this.kept.keep(error) });
      }
      const { code, severity, message, detail, column, hint } = error;
      return failure({ kind: 'Postgres', code, severity, message, detail, column, hint });
    }
  }
}

const send = (client, { sql, args }) =>
  client.query({ text: sql, values: args.map(encodeArgument), rowMode: 'array', types: typeReaders });

async function queryRaw(client, query) {
  const { fields, rows } = await send(client, query);
  return {
    columnNames: fields.map((field) => field.name),
    columnTypes: fields.map((field) => columnKind(field.dataTypeID)),
    rows,
  };
}

async function executeRaw(client, query) {
  return (await send(client, query)).rowCount ?? 0;
}

/** node-postgres writes buffers as bytea, also inside a list, but no other view of bytes there. */
function encodeArgument(value) {
  if (Array.isArray(value)) return value.map(encodeArgument);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value;
}

module.exports = { Adapter };
