// Translates the GraphQL that prisma-client-py sends into the JSON protocol, which is all the WebAssembly engine speaks.
'use strict';

const { Kind, parse } = require('graphql');

const RAW = new Set(['queryRaw', 'executeRaw']);
const ACTIONS = [
  'findUnique', 'findFirst', 'findMany', 'createMany', 'createOne', 'updateMany', 'updateOne', 'deleteMany', 'deleteOne', 'upsertOne',
  'aggregate', 'groupBy',
];
const SUFFIXES = ['OrThrow', 'AndReturn'];
// Their values name fields and are no values of fields.
const NAMING_ARGUMENTS = new Set(['orderBy', 'by', 'distinct']);
// Parts of a filter on Json that are not Json themselves.
const JSON_FILTER_TEXTS = new Set(['path', 'string_contains', 'string_starts_with', 'string_ends_with', 'mode']);

class QueryError extends Error {}

/** A bare word of GraphQL. In the JSON protocol it is text, except where text would be taken for Json. */
class Word {
  constructor(value) {
    this.value = value;
  }

  toJSON() {
    return this.value;
  }
}

class Translator {
  constructor(models) {
    this.models = models;
  }

  /** The queries of one document, each with the name its answer goes under. */
  translate(document, variables = {}) {
    let syntax;
    try {
      syntax = parse(document, { noLocation: true });
    } catch (error) {
      throw new QueryError(`Failed to parse the query: ${error.message}`);
    }
    if (syntax.definitions.length !== 1 || syntax.definitions[0].kind !== Kind.OPERATION_DEFINITION) {
      throw new QueryError('a query must be one operation');
    }
    return syntax.definitions[0].selectionSet.selections.map((field) => this.operation(field, variables ?? {}));
  }

  operation(field, variables) {
    requireField(field);
    const { action, modelName } = this.split(field.name.value);
    const values = readArguments(field, variables);
    return {
      alias: (field.alias ?? field.name).value,
      query: {
        action,
        ...(modelName && { modelName }),
        query: {
          arguments: modelName ? this.typedArguments(values, modelName) : values,
          selection: this.selection(field.selectionSet, variables, modelName),
        },
      },
    };
  }

  /** findManyLiteLLM_Thing is findMany on LiteLLM_Thing. */
  split(name) {
    if (RAW.has(name)) return { action: name };
    for (const action of ACTIONS) {
      if (!name.startsWith(action)) continue;
      const rest = name.slice(action.length);
      if (this.models.has(rest)) return { action, modelName: rest };
      for (const suffix of SUFFIXES) {
        const modelName = rest.slice(0, -suffix.length);
        if (rest.endsWith(suffix) && this.models.has(modelName)) return { action: action + suffix, modelName };
      }
    }
    throw new QueryError(`the schema has no query ${name}`);
  }

  selection(set, variables, modelName) {
    const result = {};
    for (const field of set?.selections ?? []) {
      requireField(field);
      const related = this.models.get(modelName)?.get(field.name.value)?.relation;
      result[field.name.value] = field.arguments?.length || field.selectionSet
        ? {
          arguments: this.typedArguments(readArguments(field, variables), related),
          selection: this.selection(field.selectionSet, variables, related),
        }
        : true;
    }
    return result;
  }

  typedArguments(values, modelName) {
    return mapValues(values, (value, name) => (NAMING_ARGUMENTS.has(name) ? value : this.typed(value, modelName)));
  }

  /** Marks what belongs to Json fields; without the mark its text would be stored as a Json string. */
  typed(value, modelName) {
    if (Array.isArray(value)) return value.map((item) => this.typed(item, modelName));
    if (!isPlain(value) || !modelName) return value;
    const fields = this.models.get(modelName);
    return mapValues(value, (item, name) => {
      const field = fields.get(name);
      if (field?.json) return markJson(item);
      return this.typed(item, field?.relation ?? modelName);
    });
  }
}

function markJson(value) {
  if (typeof value === 'string') return { $type: 'Json', value };
  if (value instanceof Word) return { $type: 'Enum', value: value.value };
  if (Array.isArray(value)) return value.map(markJson);
  if (isPlain(value)) return mapValues(value, (item, name) => (JSON_FILTER_TEXTS.has(name) ? item : markJson(item)));
  return value;
}

function requireField(field) {
  if (field.kind !== Kind.FIELD) throw new QueryError(`${field.kind} is not supported in a selection`);
}

const readArguments = (field, variables) =>
  Object.fromEntries((field.arguments ?? []).map((argument) => [argument.name.value, readValue(argument.value, variables)]));

function readValue(node, variables) {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.ENUM:
      return new Word(node.value);
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.INT:
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : { $type: 'BigInt', value: node.value };
    case Kind.LIST:
      return node.values.map((item) => readValue(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, readValue(field.value, variables)]));
    case Kind.VARIABLE:
      if (!Object.hasOwn(variables, node.name.value)) throw new QueryError(`the variable ${node.name.value} is not given`);
      return variables[node.name.value];
    default:
      throw new QueryError(`${node.kind} is not supported as a value`);
  }
}

const isPlain = (value) => value !== null && typeof value === 'object' && !(value instanceof Word) && !('$type' in value);
const mapValues = (object, change) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));

module.exports = { QueryError, Translator };
