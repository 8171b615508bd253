// JSON-RPC over stdin and stdout, one message a line, one call after the other.
'use strict';

const readline = require('node:readline');
const { METHODS, SchemaEngine } = require('./schema_engine');
const { describeFailure } = require('./schema_failures');

// The native engine's code for any error that is not one of the protocol.
const ENGINE_ERROR = 4466;
const METHOD_NOT_FOUND = -32601;
const PARSE_ERROR = -32700;

async function answerRequests(input, output, schemaFile) {
  const send = (message) => output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  let printed = 0;
  const engine = new SchemaEngine(schemaFile, (content) => {
    send({ id: `print-${++printed}`, method: 'print', params: { content } });
  });
  for await (const line of readline.createInterface({ input, crlfDelay: Infinity })) {
    if (!line.trim()) continue;
    const answer = await answerLine(engine, line);
    if (answer) send(answer);
  }
  await new Promise((resolve) => output.end(resolve));
}

async function answerLine(engine, line) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    return { id: null, error: { code: PARSE_ERROR, message: 'Parse error' } };
  }
  // The answer to something printed needs none.
  if (!message.method) return undefined;
  const { id, method, params } = message;
  if (!METHODS.has(method)) return { id, error: { code: METHOD_NOT_FOUND, message: `Method not found: ${method}` } };
  try {
    return { id, result: (await engine[method](params ?? {})) ?? null };
  } catch (error) {
    const text = 'An error happened. Check the data field for details.';
    return { id, error: { code: ENGINE_ERROR, message: text, data: describeFailure(error) } };
  }
}

module.exports = { answerRequests };
