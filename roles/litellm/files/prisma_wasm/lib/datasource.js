// Finds the database URL the way the native engines do: an override first, then the datasource block of the schema.
'use strict';

const { conceal } = require('./log');

/** The URL, parsed. No message names it: it holds the password. */
function readDatasourceUrl(schema, environment) {
  const text = readOverride(environment.OVERWRITE_DATASOURCES) ?? readBlock(schema, environment);
  return parseDatabaseUrl(text);
}

function parseDatabaseUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw new Error('the database URL cannot be parsed; are all special characters of the password percent-encoded?');
  }
  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:') {
    throw new Error('the database URL must start with postgresql:// or postgres://');
  }
  try {
    conceal(decodeURIComponent(url.password));
  } catch {
    throw new Error('the password in the database URL is not percent-encoded correctly');
  }
  conceal(url.password);
  return url;
}

function readOverride(text) {
  if (!text) return undefined;
  let overrides;
  try {
    overrides = JSON.parse(/^\s*\[/.test(text) ? text : Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    throw new Error('OVERWRITE_DATASOURCES is neither JSON nor JSON in base64');
  }
  const url = overrides?.[0]?.url;
  if (typeof url !== 'string' || url === '') throw new Error('OVERWRITE_DATASOURCES names no url');
  return url;
}

function readBlock(schema, environment) {
  const block = /^\s*datasource\s+\w+\s*\{([^}]*)\}/m.exec(schema);
  const url = block && /^\s*url\s*=\s*(?:env\(\s*"([^"]+)"\s*\)|"([^"]+)")/m.exec(block[1]);
  if (!url) throw new Error('the schema has no datasource with a url');
  const text = url[1] ? environment[url[1]] : url[2];
  if (!text) throw new Error(`Environment variable not found: ${url[1]}.`);
  return text;
}

module.exports = { parseDatabaseUrl, readDatasourceUrl };
