// Errors of the schema engine, with the code and the words that Prisma's command line, and LiteLLM behind it, look for.
'use strict';

const { redact } = require('./log');

const describe = {
  DatabaseNotReachable: ({ host, port }) => ['P1001', `Can't reach database server at \`${host}\`:\`${port}\``],
  SocketTimeout: () => ['P1001', "Can't reach database server: the connection timed out"],
  ConnectionClosed: () => ['P1001', "Can't reach database server: it closed the connection"],
  AuthenticationFailed: ({ user }) => ['P1000', `Authentication failed against database server, the provided database credentials for \`${user}\` are not valid.`],
  DatabaseAccessDenied: ({ db }) => ['P1010', `User was denied access on the database \`${db}\``],
  DatabaseDoesNotExist: ({ db }) => ['P1003', `Database \`${db}\` does not exist`],
  DatabaseAlreadyExists: ({ db }) => ['P1009', `Database \`${db}\` already exists`],
  TooManyConnections: ({ cause }) => ['P2037', `Too many database connections opened: ${cause}`],
  TlsConnectionError: ({ reason }) => ['P1011', `Error opening a TLS connection: ${reason}`],
};

/** What Prisma's command line reads as an error. */
function describeFailure(error) {
  const known = describe[error.cause?.kind]?.(error.cause);
  if (known) return { is_panic: false, error_code: known[0], message: redact(known[1]), meta: {} };
  const text = error instanceof Error ? error.cause?.originalMessage ?? error.message : String(error.message ?? error);
  return {
    is_panic: error instanceof WebAssembly.RuntimeError,
    error_code: error.code ?? /\bP[1-6]\d{3}\b/.exec(text)?.[0],
    message: redact(text),
    meta: error.meta ?? null,
  };
}

/** One line of JSON, which is all that Prisma's command line accepts on stderr. */
function logFailure(error) {
  const fields = describeFailure(error);
  const line = { timestamp: new Date().toISOString(), level: 'ERROR', fields, target: 'schema_engine::logger' };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

module.exports = { describeFailure, logFailure };
