'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');

const lib = path.join(process.env.HX_GATEWAY_ENGINES, 'lib');
const { connectionSettings } = require(path.join(lib, 'connection'));
const { parseDatabaseUrl, readDatasourceUrl } = require(path.join(lib, 'datasource'));

const settings = (text, environment = {}) => connectionSettings(parseDatabaseUrl(text), environment);
const SESSION = '-c TimeZone=UTC -c DateStyle=ISO -c search_path=';

test('everything the URL says', () => {
  const { pool, schema, connectTimeout } = settings(
    'postgresql://us%40er:p%2Fw%25@db.example:6543/na%20me?connection_limit=7&pool_timeout=3&connect_timeout=2&schema=s'
    + '&max_connection_lifetime=60&max_idle_connection_lifetime=30&socket_timeout=9&application_name=app',
  );
  assert.equal(schema, 's');
  assert.equal(connectTimeout, 2000);
  assert.deepEqual(pool, {
    host: 'db.example', port: 6543, user: 'us@er', password: 'p/w%', database: 'na me', max: 7, connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 30000, maxLifetimeSeconds: 60, query_timeout: 9000, application_name: 'app', options: `${SESSION}"s"`, keepAlive: true,
  });
});

test('what a short URL leaves to the defaults', () => {
  const { pool, schema, tls } = settings('postgresql://localhost');
  assert.equal(schema, 'public');
  assert.equal(pool.port, 5432);
  assert.equal(pool.connectionTimeoutMillis, 10000);
  assert.equal(pool.query_timeout, undefined);
  assert.ok(pool.max >= 3);
  assert.equal(tls.optional, true);
});

test('addresses in brackets, and sockets', () => {
  assert.equal(settings('postgresql://u@[::1]:5433/d').pool.host, '::1');
  assert.equal(settings('postgresql://u@localhost/d?host=/run/postgresql').pool.host, '/run/postgresql');
});

test('the password may come from the environment', () => {
  assert.equal(settings('postgresql://u@h/d', { PGPASSWORD: 'x' }).pool.password, 'x');
  assert.equal(settings('postgresql://u:y@h/d', { PGPASSWORD: 'x' }).pool.password, 'y');
});

test('session settings', () => {
  assert.equal(settings('postgresql://h/d?options=-c%20a%3Db').pool.options, `-c a=b ${SESSION}"public"`);
  assert.equal(settings('postgresql://h/d?schema=a%20%22b').pool.options, `${SESSION}"a\\ ""b"`);
  assert.equal(settings('postgresql://h/d?pgbouncer=true').pool.options, undefined);
});

test('parameters that are not known are left alone', () => {
  assert.doesNotThrow(() => settings('postgresql://h/d?statement_cache_size=0&something=else'));
});

test('sslkey without sslcert', () => {
  assert.throws(() => settings('postgresql://h/d?sslkey=/dev/null'), /sslkey in the database URL needs sslcert/);
});

test('where the URL comes from', () => {
  const schema = 'datasource db {\n  provider = "postgresql"\n  url = env("THE_URL")\n}\n';
  const read = (environment, text = schema) => readDatasourceUrl(text, environment).href;
  assert.equal(read({ THE_URL: 'postgresql://a/b' }), 'postgresql://a/b');
  const override = JSON.stringify([{ name: 'db', url: 'postgresql://c/d' }]);
  assert.equal(read({ THE_URL: 'postgresql://a/b', OVERWRITE_DATASOURCES: override }), 'postgresql://c/d');
  assert.equal(read({ OVERWRITE_DATASOURCES: Buffer.from(override).toString('base64') }), 'postgresql://c/d');
  assert.equal(read({}, 'datasource db {\n url = "postgresql://e/f"\n}'), 'postgresql://e/f');
  assert.throws(() => read({}), /Environment variable not found: THE_URL/);
  assert.throws(() => read({}, 'model A {\n}'), /no datasource/);
  assert.throws(() => read({ OVERWRITE_DATASOURCES: 'nonsense' }), /neither JSON nor/);
});
