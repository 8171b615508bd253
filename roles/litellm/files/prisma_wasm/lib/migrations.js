// The folder of migrations, as the WebAssembly engine wants it: read by us, since it sees no files.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const LOCK_FILE = 'migration_lock.toml';
const SCRIPT = 'migration.sql';

/** A migration that the database refused, in the words of the native engine, by which LiteLLM decides what to do. */
class MigrationError extends Error {
  constructor(name, cause) {
    const details = [`${cause.severity ?? 'ERROR'}: ${cause.message}`];
    if (cause.detail) details.push(`DETAIL: ${cause.detail}`);
    if (cause.hint) details.push(`HINT: ${cause.hint}`);
    super(
      'A migration failed to apply. New migrations cannot be applied before the error is recovered from. Read more about how to '
      + 'resolve migration issues in a production database: https://pris.ly/d/migrate-resolve\n\n'
      + `Migration name: ${name}\n\nDatabase error code: ${cause.code}\n\nDatabase error:\n${details.join('\n')}\n`,
    );
    this.code = 'P3018';
    this.meta = { migration_name: name, database_error_code: String(cause.code), database_error: details.join('\n') };
  }
}

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

module.exports = { MigrationError, readMigrations };
