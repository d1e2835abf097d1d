import { differs, type Flags, is, none } from './answer.ts';

const process = (path: string) => is(`collectors.process.${path}`);

/** Flags of process-exporter 0.8. */
export const PROCESS_EXPORTER_FLAGS: Flags = {
  children: process('children'),
  'config.path': process('configFile'),
  debug: is('log.level'),
  'gather-smaps': differs('off unless set', 'collectors.process.smaps'),
  man: none('this page'),
  namemapping: differs('entries with `name` and `cmdline`', 'collectors.process.process_names'),
  procfs: is('paths.procfs'),
  procnames: differs('entries with `comm`', 'collectors.process.process_names'),
  recheck: differs('names are checked again at this interval', 'collectors.process.refreshInterval'),
  'recheck-with-time-limit': differs('names are checked again at this interval', 'collectors.process.refreshInterval'),
  'remove-empty-groups': differs('after that time', 'collectors.process.groupExpiry'),
  threads: differs('off unless set', 'collectors.process.threads'),
  version: none('`firesteel version`'),
  'web.config.file': is('http.tls.certFile', 'http.tls.keyFile', 'http.readTokenFile'),
  'web.listen-address': is('http.listen'),
  'web.telemetry-path': none('always `/metrics`'),
};
