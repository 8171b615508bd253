// Log lines are JSON on stderr, like those of Prisma's native engines.
'use strict';

const secrets = new Set();

/** Never let this text reach the log, neither as it is nor percent-encoded. */
function conceal(secret) {
  if (!secret) return;
  secrets.add(secret);
  secrets.add(encodeURIComponent(secret));
}

function redact(text) {
  let result = String(text);
  for (const secret of secrets) result = result.replaceAll(secret, '***');
  return result;
}

function log(level, message) {
  const timestamp = new Date().toISOString();
  process.stderr.write(`${JSON.stringify({ timestamp, level, fields: { message: redact(message) }, target: process.title })}\n`);
}

module.exports = { conceal, log, redact };
