// Answers of the JSON protocol, as prisma-client-py expects them of the GraphQL protocol.
'use strict';

/** Values come as {$type, value}; the client wants the value alone. */
function unwrap(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(unwrap);
  if ('$type' in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unwrap(item)]));
}

/** Raw rows as prisma-client-py up to 0.12 reads them: [{column: {prisma__type, prisma__value}}]. */
function rawRows({ columns, types, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, rawCell(row[index], types[index])])));
}

function rawCell(value, type) {
  if (value === null || value === undefined) return { prisma__type: 'null', prisma__value: null };
  if (!type.endsWith('-array')) return { prisma__type: type, prisma__value: value };
  const itemType = type.slice(0, -'-array'.length);
  return { prisma__type: 'array', prisma__value: value.map((item) => rawCell(item, itemType)) };
}

/** Puts the one answer of a query under the name the client asked for; errors pass as they are. */
function relabel(response, alias, { rawAsRows }) {
  if (response.errors) return { errors: response.errors };
  const [name, value] = Object.entries(response.data)[0];
  if (name !== 'queryRaw') return { data: { [alias]: unwrap(value) } };
  return { data: { [alias]: rawAsRows ? rawRows(value) : value } };
}

module.exports = { relabel };
