// Loaded into an agent with --import: its event loop is blocked forever when the file STUCK_FLAG exists, or, with STUCK_AT_END,
// soon after the first SIGTERM.
import { existsSync } from 'node:fs';

const { STUCK_FLAG, STUCK_AT_END } = process.env;

function stop() {
  process.stderr.write('stuck\n');
  for (;;);
}

if (STUCK_AT_END !== undefined) process.once('SIGTERM', () => setTimeout(stop, 50));
else setInterval(() => existsSync(STUCK_FLAG) && stop(), 100).unref();
