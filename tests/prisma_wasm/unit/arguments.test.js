'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');

const lib = path.join(process.env.HX_GATEWAY_ENGINES, 'lib');
const { UsageError, parseArguments } = require(path.join(lib, 'arguments'));

const TABLE = {
  port: { flags: ['-p', '--port'], value: 'port', default: 1 },
  name: { flags: ['--name'], value: 'text' },
  loud: { flags: ['-l', '--loud'] },
};

test('flags, values and defaults', () => {
  assert.deepEqual(parseArguments([], TABLE), { port: 1 });
  assert.deepEqual(parseArguments(['-p', '65535', '--name=a=b', '-l'], TABLE), { port: 65535, name: 'a=b', loud: true });
});

test('an argument that is not known is not repeated, since it may hold a password', () => {
  assert.throws(() => parseArguments(['--name', 'x', 'postgresql://u:secret@h/d'], TABLE), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.message, 'argument 3 is not known');
    return true;
  });
});

for (const argv of [['-p'], ['-p', ''], ['-p', '0'], ['-p', '65536'], ['-p', '1e3'], ['--name='], ['-l', '-l'], ['--loud=1'], ['-lp', '1']]) {
  test(`refused: ${argv.join(' ')}`, () => {
    assert.throws(() => parseArguments(argv, TABLE), UsageError);
  });
}
