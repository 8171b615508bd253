// The connections to PostgreSQL: at most connection_limit, broken ones thrown away, new ones made when the database is back.
'use strict';

const pg = require('pg');
const { log } = require('./log');

const NO_TLS = 'The server does not support SSL connections';
const POOL_TIMEOUT = 'timeout exceeded when trying to connect';

/** No connection of the pool became free in time; the server itself may be well. */
class PoolTimeoutError extends Error {}

/** No connection could be made: what the server or the network said is the cause. */
class ConnectError extends Error {
  constructor(cause) {
    super(cause.message, { cause });
  }
}

class ConnectionPool {
  constructor(settings) {
    this.settings = settings;
    this.waiting = 0;
    const { connectTimeout } = settings;
    // The pool waits pool_timeout for a free connection; making a new one has a limit of its own.
    class Client extends pg.Client {
      constructor(options) {
        // The pool hides the password from what copies an object.
        super({ ...options, password: options.password, connectionTimeoutMillis: connectTimeout });
        this.on('error', (error) => {
          this.broken = error;
        });
      }
    }
    this.pool = new pg.Pool({ ...settings.pool, ssl: settings.tls.options, Client });
    this.pool.on('error', (error) => log('WARN', `an idle connection to PostgreSQL ended: ${error.message}`));
  }

  /** A connection to use alone until it is given back. */
  async checkOut() {
    this.waiting++;
    try {
      return await this.connect();
    } catch (error) {
      throw error.message === POOL_TIMEOUT ? new PoolTimeoutError(error.message) : new ConnectError(error);
    } finally {
      this.waiting--;
    }
  }

  async connect() {
    const { tls } = this.settings;
    try {
      return await this.pool.connect();
    } catch (error) {
      // sslmode=prefer: without TLS when the server has none, with it again when that stops working.
      if (!tls.optional) throw error;
      // Several may have begun with TLS before the first one failed.
      if (error.message === NO_TLS) {
        this.pool.options.ssl = false;
        return this.pool.connect();
      }
      this.pool.options.ssl = tls.options;
      throw error;
    }
  }

  /** Give a connection back; one that failed, or is still in a transaction, is closed instead. */
  giveBack(client, failed = false) {
    const settled = client.getTransactionStatus() === 'I';
    client.release(Boolean(failed || client.broken || !settled));
  }

  counts() {
    const { totalCount, idleCount } = this.pool;
    return { open: totalCount, idle: idleCount, busy: totalCount - idleCount, waiting: this.waiting, limit: this.pool.options.max };
  }

  async end() {
    await this.pool.end();
  }
}

module.exports = { ConnectError, ConnectionPool, PoolTimeoutError };
