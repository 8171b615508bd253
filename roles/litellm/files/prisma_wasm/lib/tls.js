// TLS to PostgreSQL by the parameters of a database URL, in Prisma's words (sslaccept, sslcert as the CA, sslidentity) and
// in libpq's (verify-ca, verify-full, sslrootcert, sslcert with sslkey). LiteLLM rewrites the second into the first.
'use strict';

const fs = require('node:fs');
const tls = require('node:tls');

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** Options for tls.connect, or false for none, and whether a server without TLS will do. */
function readTls(parameters) {
  const mode = parameters.get('sslmode') || 'prefer';
  if (!MODES.includes(mode)) throw new Error(`sslmode in the database URL must be one of ${MODES.join(', ')}`);
  const accept = parameters.get('sslaccept') || 'accept_invalid_certs';
  if (!['strict', 'accept_invalid_certs'].includes(accept)) {
    throw new Error('sslaccept in the database URL must be strict or accept_invalid_certs');
  }
  if (mode === 'disable') return { options: false, optional: false };

  const rootFile = parameters.get('sslrootcert') || (parameters.has('sslkey') ? null : parameters.get('sslcert'));
  const checkName = mode === 'verify-full' || accept === 'strict';
  // As in libpq, `require` with a root certificate checks the chain.
  const checkChain = checkName || mode === 'verify-ca' || (mode === 'require' && parameters.has('sslrootcert'));
  const options = { ...clientCertificate(parameters), rejectUnauthorized: checkChain };
  if (checkChain) options.ca = certificateAuthorities(rootFile);
  if (checkChain && !checkName) options.checkServerIdentity = () => undefined;
  return { options, optional: (mode === 'prefer' || mode === 'allow') && !checkChain };
}

function certificateAuthorities(file) {
  if (file && file !== 'system') return [readFile('sslrootcert', file)];
  return fs.existsSync(SYSTEM_BUNDLE) ? [...tls.rootCertificates, fs.readFileSync(SYSTEM_BUNDLE, 'utf8')] : undefined;
}

function clientCertificate(parameters) {
  const password = parameters.get('sslpassword') || undefined;
  if (parameters.has('sslidentity')) {
    return { pfx: readFile('sslidentity', parameters.get('sslidentity')), passphrase: password };
  }
  if (!parameters.has('sslkey')) return {};
  if (!parameters.has('sslcert')) throw new Error('sslkey in the database URL needs sslcert');
  return {
    cert: readFile('sslcert', parameters.get('sslcert')),
    key: readFile('sslkey', parameters.get('sslkey')),
    passphrase: password,
  };
}

function readFile(name, file) {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw new Error(`${name} in the database URL: ${file} cannot be read (${error.code})`);
  }
}

module.exports = { readTls };
