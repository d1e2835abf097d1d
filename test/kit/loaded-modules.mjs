// Preloaded by a test: on SIGUSR2 writes the modules that this process has loaded to the file LOADED_MODULES.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const files = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(url);
    return next(url, context);
  },
});
process.on('SIGUSR2', () => {
  const builtins = process.moduleLoadList.map((name) => name.split(' ').at(-1));
  writeFileSync(process.env.LOADED_MODULES, JSON.stringify({ files, builtins }));
});
