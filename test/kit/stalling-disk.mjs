// Loaded into an agent with --import: while the file STALL_FLAG exists, opening a file below STALL_FOLDER hangs in the
// kernel, in a thread of Node's pool, as on a disk that no longer responds: it opens the pipe STALL_PIPE, which no other
// process has open.
import { existsSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { open } = promises;
const { STALL_FLAG, STALL_FOLDER, STALL_PIPE } = process.env;

promises.open = async (path, ...rest) => {
  if (String(path).startsWith(STALL_FOLDER) && existsSync(STALL_FLAG)) await (await open(STALL_PIPE, 'r')).close();
  return open(path, ...rest);
};
syncBuiltinESMExports();
