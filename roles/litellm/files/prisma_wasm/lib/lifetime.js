// When the engine ends: on a signal, and when the process that started it is gone.
'use strict';

const { log } = require('./log');

// LiteLLM sends SIGKILL half a second after SIGTERM.
const GRACE = 350;
const ORPHAN_CHECK = 1000;

function endWith(server, pool) {
  const parent = process.ppid;
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(0), GRACE);
    server.close();
    server.closeIdleConnections();
    await pool.end();
    process.exit(0);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  // A worker that was killed leaves its engine behind, and that its connections.
  setInterval(() => {
    if (process.ppid === parent) return;
    log('WARN', `process ${parent}, which started this engine, is gone`);
    end();
  }, ORPHAN_CHECK).unref();
}

module.exports = { endWith };
