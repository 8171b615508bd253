// Which errors mean that the database cannot be reached, and what the native engine would have called an error of the driver.
'use strict';

const { ConnectError, PoolTimeoutError } = require('./pool');

// connection_exception, and the server going down or coming up
const LOST = /^(08...|57P0[1-3])$/;
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
const ENDED = /^(Connection terminated|Client was closed|Client has encountered a connection error|timeout expired|Query read timeout)/;
const TLS = /(certificate|SSL|TLS|Hostname\/IP)/i;

/** Whether the connection is of no more use. */
function isDisconnection(error) {
  if (error instanceof ConnectError) return isDisconnection(error.cause);
  if (error.errors?.length) return error.errors.some(isDisconnection);
  return LOST.test(error.code) || NETWORK.has(error.code) || ENDED.test(error.message);
}

/** Prisma's code and words for an error of the driver. */
function describeFailure(error, settings) {
  if (error instanceof ConnectError) return describeFailure(error.cause, settings);
  const { server, pool } = settings;
  const address = `\`${server.host}\`:\`${server.port}\``;
  const meta = { database_host: server.host, database_port: server.port };
  if (error instanceof PoolTimeoutError) {
    const seconds = pool.connectionTimeoutMillis / 1000;
    return {
      error_code: 'P2024',
      message: 'Timed out fetching a new connection from the connection pool. '
        + `(Current connection pool timeout: ${seconds}, connection limit: ${pool.max})`,
      meta: { connection_limit: pool.max, timeout: seconds },
    };
  }
  if (isDisconnection(error)) {
    return {
      error_code: 'P1001',
      message: `Can't reach database server at ${address}\n\nPlease make sure your database server is running at ${address}.`,
      meta,
    };
  }
  switch (error.code) {
    case '28P01':
    case '28000':
      return {
        error_code: 'P1000',
        message: `Authentication failed against database server at ${address}, `
          + `the provided database credentials for \`${server.user}\` are not valid: ${error.message}`,
        meta: { database_user: server.user, ...meta },
      };
    case '3D000':
      return {
        error_code: 'P1003',
        message: `Database \`${server.database}\` does not exist on the database server at ${address}.`,
        meta: { database_name: server.database, ...meta },
      };
    case '53300':
      return { error_code: 'P2037', message: `Too many database connections opened: ${error.message}`, meta: {} };
  }
  if (TLS.test(error.message) || /^(ERR_(TLS|SSL|OSSL)|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(error.code)) {
    return { error_code: 'P1011', message: `Error opening a TLS connection: ${error.message}`, meta: {} };
  }
  return { error_code: 'P2036', message: error.message, meta: {} };
}

module.exports = { describeFailure, isDisconnection };
