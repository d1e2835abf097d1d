// Preloaded by a test: on SIGUSR2 writes the modules that this process has loaded, and the bytes of its heap that are in
// use after a full collection, to the file LOADED_MODULES.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const files = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(url);
    return next(url, context);
  },
});
process.on('SIGUSR2', () => {
  const builtins = process.moduleLoadList.map((name) => name.split(' ').at(-1));
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed } = process.memoryUsage();
  writeFileSync(process.env.LOADED_MODULES, JSON.stringify({ heapUsed, files, builtins }));
});
