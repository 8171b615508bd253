// The HTTP interface of the query engine.
'use strict';

const http = require('node:http');
const { log } = require('./log');
const { asJson, asText } = require('./metrics');

const TRANSACTION = /^\/transaction\/([\w-]+)\/(commit|rollback)$/;

function createServer(engine, pool) {
  const server = http.createServer(async (request, response) => {
    try {
      const { status, body, type = 'application/json' } = await route(engine, pool, request);
      const content = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      response.writeHead(status, { 'Content-Type': type, 'Content-Length': content.length });
      response.end(content);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      log('ERROR', error.message);
      if (response.headersSent) return response.destroy();
      response.writeHead(500, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ is_panic: false, message: error.message, meta: {}, error_code: 'P5000' }));
    }
  });
  // The client keeps its connections longer than Node's five seconds; one closed under it would fail a query.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

async function route(engine, pool, request) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const target = `${request.method} ${pathname}`;
  if (target === 'GET /status') return { status: 200, body: { status: 'ok' } };
  if (target === 'GET /metrics') {
    return searchParams.get('format') === 'json'
      ? { status: 200, body: asJson(engine, pool) }
      : { status: 200, body: asText(engine, pool), type: 'text/plain; version=0.0.4' };
  }
  if (target === 'POST /') {
    return { status: 200, body: await engine.query(await readBody(request), request.headers['x-transaction-id']) };
  }
  if (target === 'POST /transaction/start') return transactionAnswer(await engine.begin(await readBody(request)));
  const [, id, action] = (request.method === 'POST' && TRANSACTION.exec(pathname)) || [];
  if (!id) return { status: 404, body: { error: 'not found' } };
  await readBody(request);
  return transactionAnswer(await engine.finish(action, id));
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** The native engine's statuses. */
function transactionAnswer(answer) {
  if (!answer.error_code) return { status: 200, body: answer };
  const message = answer.meta?.error ?? answer.message;
  if (answer.error_code !== 'P2028') return { status: 500, body: answer };
  if (/Unable to start a transaction/.test(message)) return { status: 504, body: answer };
  if (/not found/i.test(message)) return { status: 404, body: answer };
  return { status: /closed|expired/i.test(message) ? 422 : 500, body: answer };
}

module.exports = { createServer };
