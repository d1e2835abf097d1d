// /etc/os-release, or else /usr/lib/os-release: os-release(5). Present on nearly every distribution.
import { oneLine } from '../../host/lines.ts';
import { readOsRelease } from '../../host/os-release.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Labels of {@link info}; the keys of the file are the same words in capitals. */
const LABELS = [
  ...['build_id', 'id', 'id_like', 'image_id', 'image_version', 'name', 'pretty_name', 'variant', 'variant_id'],
  ...['version', 'version_codename', 'version_id'],
];
const info = gauge('node_os_info', 'Always 1; name and version of the distribution.', LABELS);
const version = gauge('node_os_version', 'Major and minor version of the distribution as a number.', [
  'id',
  'id_like',
  'name',
]);
const supportEnd = gauge(
  'node_os_support_end_timestamp_seconds',
  'End of support of this version, in seconds since 1970.',
);

/** The distribution. */
export const os = defineCollector({
  name: 'os',
  enabled: true,
  summary: 'Name, version and end of support of the distribution, from `/etc/os-release` or `/usr/lib/os-release`.',
  options: NO_OPTIONS,
  whenEmpty: 'os-release is absent or has no variables',
  families: [info, version, supportEnd],
  create({ host }) {
    return (out) => {
      const release = readOsRelease(out, host);
      if (release === undefined || release.variables.size === 0) return;
      const label = (name: string) => release.variables.get(name.toUpperCase()) ?? '';
      out.add(info, 1, ...LABELS.map(label));
      const number = Number(/^\d+\.?\d*/.exec(label('version_id'))?.[0] ?? 0);
      if (number > 0 && Number.isFinite(number)) out.add(version, number, ...version.labels.map(label));
      const end = label('support_end');
      if (end !== '') out.attempt('SUPPORT_END', () => out.add(supportEnd, oneLine(release.path, end, secondsOfDate)));
    };
  },
});

/** Midnight UTC of `2027-05-31`, in seconds since 1970. */
function secondsOfDate(date: string): number {
  const midnight = new Date(`${date}T00:00:00Z`);
  // JavaScript interprets the 30th of February as the 2nd of March.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date)) {
    throw new Error(`expected a date, found ${JSON.stringify(date.slice(0, 40))}`);
  }
  return midnight.getTime() / 1000;
}
