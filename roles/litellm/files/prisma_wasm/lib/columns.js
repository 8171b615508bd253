// How the columns of a result go to the query engine. PostgreSQL's text is kept wherever the engine takes text; a type that is
// not listed arrives as text, as in psql, and `void` as null.
'use strict';

const { types } = require('pg');
const array = require('postgres-array');

// The numbers the engine gives to the kinds of columns.
const KIND = {
  int32: 0, int64: 1, float: 2, double: 3, numeric: 4, boolean: 5, text: 7, date: 8, time: 9, dateTime: 10, json: 11, bytes: 13, uuid: 15,
};
const ARRAY = 64;

const asText = (text) => text;
const asNull = () => null;
const asInteger = (text) => Number.parseInt(text, 10);
const asFloat = (text) => Number.parseFloat(text);
const asBoolean = (text) => text === 't';
const asMoney = (text) => text.replace(/[^\d.-]/g, '');
const asBytes = (text) => Array.from(types.getTypeParser(17, 'text')(text));
const asTimeOfDay = (text) => text.replace(/[+-]\d{2}(:\d{2}){0,2}$/, '');

/** timestamptz as UTC without a zone, whatever the session's zone is; microseconds are kept. */
function asInstant(text) {
  const match = /^(\d+-\d+-\d+ \d+:\d+:\d+)(\.\d+)?([+-])(\d{2})(?::(\d{2}))?(?::(\d{2}))?( BC)?$/.exec(text);
  if (!match) return text;
  const [, clock, fraction = '', sign, hours, minutes = '0', seconds = '0', era = ''] = match;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  if (offset === 0 || era) return `${clock}${fraction}${era}`;
  const utc = Date.parse(`${clock.replace(' ', 'T')}Z`) - (sign === '+' ? offset : -offset) * 1000;
  return `${new Date(utc).toISOString().slice(0, 19).replace('T', ' ')}${fraction}`;
}

// type, the array of it, kind, reader
const TYPES = [
  [16, 1000, KIND.boolean, asBoolean], // bool
  [17, 1001, KIND.bytes, asBytes], // bytea
  [18, 1002, KIND.text, asText], // "char"
  [19, 1003, KIND.text, asText], // name
  [20, 1016, KIND.int64, asText], // int8
  [21, 1005, KIND.int32, asInteger], // int2
  [23, 1007, KIND.int32, asInteger], // int4
  [25, 1009, KIND.text, asText], // text
  [26, 1028, KIND.int64, asText], // oid
  [114, 199, KIND.json, asText], // json
  [142, 143, KIND.text, asText], // xml
  [650, 651, KIND.text, asText], // cidr
  [700, 1021, KIND.float, asFloat], // float4
  [701, 1022, KIND.double, asFloat], // float8
  [790, 791, KIND.numeric, asMoney], // money
  [869, 1041, KIND.text, asText], // inet
  [1042, 1014, KIND.text, asText], // bpchar
  [1043, 1015, KIND.text, asText], // varchar
  [1082, 1182, KIND.date, asText], // date
  [1083, 1183, KIND.time, asText], // time
  [1114, 1115, KIND.dateTime, asText], // timestamp
  [1184, 1185, KIND.dateTime, asInstant], // timestamptz
  [1266, 1270, KIND.time, asTimeOfDay], // timetz
  [1560, 1561, KIND.text, asText], // bit
  [1562, 1563, KIND.text, asText], // varbit
  [1700, 1231, KIND.numeric, asText], // numeric
  [2278, 0, KIND.text, asNull], // void
  [2950, 2951, KIND.uuid, asText], // uuid
  [3802, 3807, KIND.json, asText], // jsonb
];

const COLUMNS = new Map();
for (const [type, arrayType, kind, read] of TYPES) {
  COLUMNS.set(type, { kind, read });
  if (arrayType) COLUMNS.set(arrayType, { kind: ARRAY + kind, read: (text) => array.parse(text, read) });
}
const UNLISTED = { kind: KIND.text, read: asText };

const columnOf = (type) => COLUMNS.get(type) ?? UNLISTED;

/** For node-postgres: it hands every value that is not null to the reader of its type. */
const typeReaders = { getTypeParser: (type) => columnOf(type).read };

const columnKind = (type) => columnOf(type).kind;

module.exports = { columnKind, typeReaders };
