'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');

const lib = path.join(process.env.HX_GATEWAY_ENGINES, 'lib');
const { readModels } = require(path.join(lib, 'datamodel'));
const { QueryError, Translator } = require(path.join(lib, 'translate'));
const { relabel } = require(path.join(lib, 'results'));

const models = readModels(`
model User {
  id    Int   @id
  // data Json in a comment
  data  Json?
  posts Post[]
}
model UserLog {
  id   Int  @id
  many Json[]
  @@map("logs")
}
model Post {
  id   Int @id
  user User
  data String
}
`);
const translate = (text, variables) => JSON.parse(JSON.stringify(new Translator(models).translate(text, variables)));
const queryOf = (text, variables) => translate(text, variables)[0].query;

test('the models of a schema', () => {
  assert.deepEqual([...models.keys()], ['User', 'UserLog', 'Post']);
  assert.deepEqual([...models.get('User')], [['data', { json: true }], ['posts', { relation: 'Post' }]]);
  assert.deepEqual([...models.get('Post')], [['user', { relation: 'User' }]]);
});

test('one model name that begins like another', () => {
  assert.equal(queryOf('query { findManyUserLog { id } }').modelName, 'UserLog');
  assert.equal(queryOf('query { findUniqueUserOrThrow(where: {id: 1}) { id } }').action, 'findUniqueOrThrow');
  assert.equal(queryOf('mutation { createManyUserAndReturn(data: []) { id } }').action, 'createManyAndReturn');
});

test('text is Json only where the field is', () => {
  const { query } = queryOf('mutation { createOneUser(data: {data: "{}", posts: {create: [{data: "{}", user: {create: {data: "1"}}}]}}) { id } }');
  const post = { data: '{}', user: { create: { data: { $type: 'Json', value: '1' } } } };
  assert.deepEqual(query.arguments.data, { data: { $type: 'Json', value: '{}' }, posts: { create: [post] } });
});

test('filters on Json', () => {
  const { query } = queryOf('query { findManyUser(where: {data: {path: ["a"], string_contains: "b", not: "1"}}) { id } }');
  assert.deepEqual(query.arguments.where.data, { path: ['a'], string_contains: 'b', not: { $type: 'Json', value: '1' } });
});

test('words are words, numbers keep their size', () => {
  const { query } = queryOf('query { findManyUser(orderBy: [{data: asc}], where: {data: DbNull, id: 123456789012345678901}) { id } }');
  assert.deepEqual(query.arguments.orderBy, [{ data: 'asc' }]);
  assert.deepEqual(query.arguments.where, { data: { $type: 'Enum', value: 'DbNull' }, id: { $type: 'BigInt', value: '123456789012345678901' } });
});

test('names of the answer', () => {
  assert.deepEqual(translate('query { a: findManyUser { id } b: findManyPost { id } }').map(({ alias }) => alias), ['a', 'b']);
  assert.equal(translate('query { findManyUser { id } }')[0].alias, 'findManyUser');
});

for (const text of ['query {', 'query { findManyNobody { id } }', 'fragment a on b { c }', 'query { findManyUser { ...x } }',
  'query ($a: Int) { findManyUser(take: $a) { id } }']) {
  test(`refused: ${text}`, () => {
    assert.throws(() => translate(text), QueryError);
  });
}

test('answers', () => {
  const value = [{ at: { $type: 'DateTime', value: '2026' }, posts: [{ id: 1 }], none: null }];
  assert.deepEqual(relabel({ data: { findManyUser: value } }, 'result', {}), { data: { result: [{ at: '2026', posts: [{ id: 1 }], none: null }] } });
  const raw = { columns: ['a', 'b'], types: ['int', 'string-array'], rows: [[1, ['x', null]], [null, null]] };
  assert.deepEqual(relabel({ data: { queryRaw: raw } }, 'r', { rawAsRows: false }), { data: { r: raw } });
  const nothing = { prisma__type: 'null', prisma__value: null };
  assert.deepEqual(relabel({ data: { queryRaw: raw } }, 'r', { rawAsRows: true }).data.r, [
    { a: { prisma__type: 'int', prisma__value: 1 }, b: { prisma__type: 'array', prisma__value: [{ prisma__type: 'string', prisma__value: 'x' }, nothing] } },
    { a: nothing, b: nothing },
  ]);
  assert.deepEqual(relabel({ errors: [1] }, 'r', {}), { errors: [1] });
});
