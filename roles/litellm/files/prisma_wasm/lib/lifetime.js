// When the engine ends: on a signal, when the process that started it is gone, and when it can no longer be trusted.
'use strict';

const { log } = require('./log');

// LiteLLM sends SIGKILL half a second after SIGTERM.
const GRACE = 350;
const ORPHAN_CHECK = 1000;
// The native engine's status after a panic.
const PANICKED = 101;

/** After a panic the engine's memory is of no use. LiteLLM starts an engine that has died again. */
function endOnPanic() {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => {
      log('ERROR', `the query engine cannot go on: ${error?.stack ?? error}`);
      process.exit(PANICKED);
    });
  }
}

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

module.exports = { endOnPanic, endWith };
