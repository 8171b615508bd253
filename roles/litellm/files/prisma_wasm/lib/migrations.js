// The folder of migrations, as the WebAssembly engine wants it: read by us, since it sees no files.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const LOCK_FILE = 'migration_lock.toml';
const SCRIPT = 'migration.sql';

function readMigrations(folder) {
  return {
    baseDir: folder,
    shadowDbInitScript: '',
    lockfile: { path: LOCK_FILE, content: readIfThere(path.join(folder, LOCK_FILE)) },
    migrationDirectories: names(folder).map((name) => ({
      path: name,
      migrationFile: { path: SCRIPT, content: { tag: 'ok', value: fs.readFileSync(path.join(folder, name, SCRIPT), 'utf8') } },
    })),
  };
}

/** Folders with a script, in the order they apply. */
function names(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).filter((name) => fs.existsSync(path.join(folder, name, SCRIPT))).sort();
}

const readIfThere = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null);

module.exports = { readMigrations };
