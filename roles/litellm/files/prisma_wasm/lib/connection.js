// Turns a Prisma database URL into the settings of node-postgres. Parameters that are not known are left alone, as the
// native engine does; a known one with a value that makes no sense is an error.
'use strict';

const os = require('node:os');
const { readTls } = require('./tls');

/** How to connect, and with how many connections. */
function connectionSettings(url, environment = process.env) {
  const parameters = url.searchParams;
  const seconds = (name, fallback) => readNumber(parameters, name, fallback) * 1000;
  const host = parameters.get('host') || decodeURIComponent(url.hostname.replace(/^\[|\]$/g, '')) || 'localhost';
  const port = Number(url.port || 5432);
  const schema = parameters.get('schema') || 'public';
  return {
    schema,
    server: { host, port, user: decodeURIComponent(url.username), database: decodeURIComponent(url.pathname.slice(1)) },
    tls: readTls(parameters),
    connectTimeout: seconds('connect_timeout', 5),
    pool: {
      host,
      port,
      user: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || environment.PGPASSWORD || undefined,
      database: decodeURIComponent(url.pathname.slice(1)) || undefined,
      max: readNumber(parameters, 'connection_limit', os.cpus().length * 2 + 1, 1),
      connectionTimeoutMillis: seconds('pool_timeout', 10),
      idleTimeoutMillis: seconds('max_idle_connection_lifetime', 300),
      maxLifetimeSeconds: readNumber(parameters, 'max_connection_lifetime', 0),
      query_timeout: seconds('socket_timeout', 0) || undefined,
      application_name: parameters.get('application_name') || undefined,
      options: sessionOptions(parameters, schema),
      keepAlive: parameters.get('keepalives') !== '0',
    },
  };
}

/** Session settings travel with the connection's start, so that no query can run without them. */
function sessionOptions(parameters, schema) {
  const given = parameters.get('options') || '';
  // PgBouncer refuses start options other than those it knows.
  if (parameters.get('pgbouncer') === 'true') return given || undefined;
  return `${given} -c TimeZone=UTC -c DateStyle=ISO -c search_path=${escapeOption(quoteIdentifier(schema))}`.trim();
}

const quoteIdentifier = (name) => `"${name.replaceAll('"', '""')}"`;
const escapeOption = (text) => text.replace(/([\\\s])/g, '\\$1');

function readNumber(parameters, name, fallback, least = 0) {
  const text = parameters.get(name);
  if (text === null || text === '') return fallback;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new Error(`${name} in the database URL must be a whole number, at least ${least}`);
  }
  return Number(text);
}

module.exports = { connectionSettings };
