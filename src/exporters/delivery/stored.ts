// What only exporters with a spool load.
export { Replay } from './replay.ts';
export { spoolFor } from './spool-for.ts';
