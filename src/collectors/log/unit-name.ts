import type { JournalRecord } from './journal-feed.ts';

const COREDUMP_MESSAGE = 'fc2e22bc6ee647b6b90729ab34a250b1';

/** The systemd unit whose entry this is, by the rules of `journalctl -u`; undefined for none. */
export function systemdUnitOf(entry: Pick<JournalRecord, 'get'>): string | undefined {
  const other =
    (entry.get('_PID') === '1' && entry.get('UNIT')) ||
    (entry.get('MESSAGE_ID') === COREDUMP_MESSAGE && entry.get('COREDUMP_UNIT')) ||
    (entry.get('_UID') === '0' && entry.get('OBJECT_SYSTEMD_UNIT'));
  return other || entry.get('_SYSTEMD_UNIT');
}

/** Systemd units with ever new names, and the label they are counted under. */
const VOLATILE: readonly (readonly [expression: RegExp, name: string])[] = [
  [/^(cri-containerd|crio|docker|libpod)-.+\.scope$/, '$1-*.scope'],
  [/^session-.+\.scope$/, 'session-*.scope'],
  [/^run-.+\.(mount|service|scope)$/, 'run-*.$1'],
  [/^var-lib-(kubelet|containerd|docker|containers)-.+\.mount$/, 'var-lib-$1-*.mount'],
  [/^(user|user-runtime-dir)@.+\.service$/, '$1@*.service'],
  [/^user-\d+\.slice$/, 'user-*.slice'],
  [/^kubepods-.+\.slice$/, 'kubepods-*.slice'],
  [/^([^@]+)@.+\.([a-z]+)$/, '$1@*.$2'],
];

/** The name of a systemd unit as a label; short-lived units share one label, but those in `exact` keep their own. */
export function systemdUnitLabel(unit: string, exact: ReadonlySet<string>): string {
  if (exact.has(unit)) return unit;
  for (const [expression, name] of VOLATILE) if (expression.test(unit)) return unit.replace(expression, name);
  return unit;
}
