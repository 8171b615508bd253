// What the translation of queries has to know of a Prisma schema: its models, their Json fields and their relations.
'use strict';

/** Maps each model to a map of its fields: {json: true} or {relation: 'Model'}; other fields are left out. */
function readModels(schema) {
  const blocks = [...schema.matchAll(/^\s*model\s+(\w+)\s*\{([\s\S]*?)^\s*\}/gm)];
  const names = new Set(blocks.map(([, name]) => name));
  const models = new Map();
  for (const [, name, body] of blocks) {
    const fields = new Map();
    for (const line of body.split('\n')) {
      const field = /^\s*(\w+)\s+(\w+)/.exec(line);
      if (!field) continue;
      if (field[2] === 'Json') fields.set(field[1], { json: true });
      else if (names.has(field[2])) fields.set(field[1], { relation: field[2] });
    }
    models.set(name, fields);
  }
  return models;
}

module.exports = { readModels };
