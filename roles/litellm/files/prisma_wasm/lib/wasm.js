// Loads a WebAssembly module of Prisma's that wasm-bindgen made for bundlers.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { log } = require('./log');

// By path, since the packages do not export these files.
const PACKAGES = path.join(__dirname, '..', 'node_modules', '@prisma');

// The engines ask the global object for random numbers, where Node 18 has no Web Crypto yet.
globalThis.crypto ??= require('node:crypto').webcrypto;
// Where the engines leave the message of a panic.
globalThis.PRISMA_WASM_PANIC_REGISTRY ??= {
  set_message(message) {
    log('ERROR', message);
  },
};

/** `name` is the path of the module from the packages' folder, without `_bg.wasm`. */
async function loadWasm(name) {
  const file = path.join(PACKAGES, `${name}_bg.wasm`);
  const glue = path.join(PACKAGES, `${name}_bg.js`);
  const bindings = await import(pathToFileURL(glue).href);
  const imports = { [`./${path.basename(glue)}`]: bindings };
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(file), imports);
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start?.();
  return bindings;
}

/** The commit of Prisma's engines that a package was built from, the last part of its version. */
function commitOf(name) {
  const { version } = JSON.parse(fs.readFileSync(path.join(PACKAGES, name, 'package.json'), 'utf8'));
  return version.split('.').pop();
}

module.exports = { commitOf, loadWasm };
