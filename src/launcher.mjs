#!/usr/bin/env -S node --max-semi-space-size=1
// The program's first file: it holds nothing that an old Node can't read, so that the wrong one is answered with a line.
const OLDEST = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  console.error(`firesteel needs Node.js ${OLDEST} or newer; ${process.execPath} is ${process.version}.`);
  process.exit(1);
}
const warn = process.emitWarning;
// The interface to C functions is marked as experimental, which the user cannot change.
process.emitWarning = (warning, type, ...rest) => {
  if (type !== 'ExperimentalWarning') warn.call(process, warning, type, ...rest);
};
await import(new URL('./main.mjs', import.meta.url).href);
