// Command lines are read strictly: what is not known is refused, not ignored.
'use strict';

class UsageError extends Error {}

const READERS = {
  text(flag, text) {
    if (text === '') throw new UsageError(`${flag} must not be empty`);
    return text;
  },
  port(flag, text) {
    if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65535) {
      throw new UsageError(`${flag} must be a port from 1 to 65535`);
    }
    return Number(text);
  },
};

/** Read arguments by a table of options; `--flag value` and `--flag=value` are both taken. */
function parseArguments(argv, table) {
  const byFlag = new Map();
  const result = {};
  for (const [name, option] of Object.entries(table)) {
    if ('default' in option) result[name] = option.default;
    for (const flag of option.flags) byFlag.set(flag, [name, option]);
  }
  const seen = new Set();
  for (let index = 0; index < argv.length; index++) {
    const [flag, inline] = splitInline(argv[index]);
    // The argument itself is not repeated: it may be a database URL.
    if (!byFlag.has(flag)) throw new UsageError(`argument ${index + 1} is not known`);
    const [name, option] = byFlag.get(flag);
    if (seen.has(name)) throw new UsageError(`${flag} is given twice`);
    seen.add(name);
    if (!option.value) {
      if (inline !== undefined) throw new UsageError(`${flag} takes no value`);
      result[name] = true;
      continue;
    }
    const text = inline ?? argv[++index];
    if (text === undefined) throw new UsageError(`${flag} needs a value`);
    result[name] = READERS[option.value](flag, text);
  }
  return result;
}

function splitInline(argument) {
  const end = argument.startsWith('--') ? argument.indexOf('=') : -1;
  return end < 0 ? [argument, undefined] : [argument.slice(0, end), argument.slice(end + 1)];
}

module.exports = { UsageError, parseArguments };
