// The query engine: GraphQL in, answers of the GraphQL protocol out.
'use strict';

const { Adapter } = require('./adapter');
const { describeFailure } = require('./failures');
const { redact } = require('./log');
const { readModels } = require('./datamodel');
const { relabel } = require('./results');
const { QueryError, Translator } = require('./translate');
const { loadWasm } = require('./wasm');

const NO_TRACE = '{}';
// The engine's code for an error that the driver keeps.
const KEPT_ERROR = 'P2036';
// The engine panics over a transaction's number that is shorter than those it gives.
const TRANSACTION_ID = /^[\w-]{24,}$/;

class Engine {
  static async start({ datamodel, settings, pool, rawAsRows, logQueries }) {
    const { QueryEngine } = await loadWasm('query-engine-wasm/postgresql/query_engine');
    const adapter = new Adapter(pool, settings.schema);
    const core = new QueryEngine(
      { datamodel, logLevel: logQueries ? 'debug' : 'error', logQueries },
      (line) => logQueries && process.stderr.write(`${redact(line)}\n`),
      adapter.bind(),
    );
    await core.connect(NO_TRACE);
    return new Engine({ core, adapter, settings, rawAsRows, translator: new Translator(readModels(datamodel)) });
  }

  constructor(parts) {
    Object.assign(this, parts);
    this.queries = 0;
  }

  /** Answer the body of a POST: one document, or a batch. */
  async query(text, transactionId) {
    if (transactionId !== undefined && !TRANSACTION_ID.test(transactionId)) {
      return { errors: [{ error: NO_TRANSACTION.meta.error, user_facing_error: NO_TRANSACTION }] };
    }
    try {
      const body = JSON.parse(text);
      return body.batch ? await this.batch(body, transactionId) : await this.document(body, transactionId);
    } catch (error) {
      if (error instanceof QueryError || error instanceof SyntaxError) return queryError(error.message);
      throw error;
    }
  }

  async document({ query, variables }, transactionId) {
    const data = {};
    for (const { alias, query: translated } of this.translator.translate(query, variables)) {
      const answer = relabel(await this.run(translated, transactionId), alias, this);
      if (answer.errors) return answer;
      Object.assign(data, answer.data);
    }
    return { data };
  }

  async batch({ batch, transaction, isolationLevel }, transactionId) {
    const operations = batch.map(({ query, variables }) => {
      const translated = this.translator.translate(query, variables);
      if (translated.length !== 1) throw new QueryError('every query of a batch must have one field');
      return translated[0];
    });
    const request = { batch: operations.map((operation) => operation.query) };
    if (transaction) request.transaction = { isolationLevel };
    const answer = await this.run(request, transactionId);
    if (answer.errors) return answer;
    return { batchResult: answer.batchResult.map((result, index) => relabel(this.repair(result), operations[index].alias, this)) };
  }

  async run(request, transactionId) {
    this.queries++;
    return this.repair(JSON.parse(await this.core.query(JSON.stringify(request), NO_TRACE, transactionId)));
  }

  /** Begin an interactive transaction; the answer has its id, or an error_code. */
  async begin(options) {
    const started = this.call('startTransaction', options);
    // The WebAssembly engine takes max_wait, but waits as long as the pool does.
    const { max_wait: patience } = JSON.parse(options);
    if (!Number.isInteger(patience)) return started;
    let timer;
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, patience, NO_TIME);
    });
    const answer = await Promise.race([started, tooLate]).finally(() => clearTimeout(timer));
    if (answer === NO_TIME) started.then(({ id }) => id && this.finish('rollback', id));
    return answer;
  }

  /** Commit an interactive transaction or roll it back; the answer has an error_code if that failed. */
  async finish(action, id) {
    if (!TRANSACTION_ID.test(id)) return NO_TRANSACTION;
    return this.call(action === 'commit' ? 'commitTransaction' : 'rollbackTransaction', id);
  }

  async call(method, argument) {
    const answer = JSON.parse((await this.core[method](argument, NO_TRACE)) || '{}');
    return answer.error_code ? this.repairUserError(answer) : answer;
  }

  /** Give every error of an answer the words and the code that the native engine has for it. */
  repair(answer) {
    for (const error of answer.errors ?? []) {
      const known = error.user_facing_error;
      if (!known) continue;
      error.user_facing_error = this.repairUserError(known);
      if (known.error_code === KEPT_ERROR) error.error = error.user_facing_error.message;
    }
    return answer;
  }

  repairUserError(known) {
    // The client fails on an error without meta.
    const whole = { ...known, meta: known.meta ?? {} };
    const kept = known.error_code === KEPT_ERROR ? this.adapter.kept.take(known.meta?.id) : undefined;
    return kept ? { is_panic: false, ...describeFailure(kept, this.settings) } : whole;
  }
}

const transactionError = (error) => ({
  is_panic: false,
  message: `Transaction API error: ${error}`,
  meta: { error },
  error_code: 'P2028',
});
const NO_TRANSACTION = transactionError('Transaction not found.');
const NO_TIME = transactionError('Unable to start a transaction in the given time.');

const queryError = (message) => ({
  errors: [{ error: message, user_facing_error: { is_panic: false, message, meta: {}, error_code: 'P2009' } }],
});

module.exports = { Engine };
