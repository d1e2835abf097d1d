import { VERSION } from '../config/version.ts';
import type { Command } from './command.ts';

/** `firesteel version`. */
export const version: Command = {
  help: 'usage: firesteel version',
  async run(_args, io) {
    io.stdout(`firesteel ${VERSION} (node ${process.version}, ${process.platform} ${process.arch})\n`);
    return 0;
  },
};
