import { samplesOf } from './samples.ts';

/** Families that blackbox_exporter 0.23 does not have: ours, and those of later versions. */
const NOT_IN_0_23 = /^(?:firesteel_\w+|smokeping_\w+|probe_timeout_seconds|probe_tls_cipher_info)\b/;

/** Durations, which are never equal. */
const DURATION = /^probe_(?:duration_seconds|dns_lookup_time_seconds|\w+_duration_seconds)\b/;

/**
 * The comparable series of a probe: without those that blackbox_exporter 0.23 does not have and those of the families
 * `differing`; of durations only the presence.
 */
export function likeBlackbox(
  series: ReadonlyMap<string, number>,
  differing: ReadonlySet<string> = new Set(),
): Map<string, number> {
  const text = [...series].map(([key, value]) => `${key} ${value}\n`).join('');
  const found = new Map<string, number>();
  for (const [key, value] of samplesOf(text)) {
    const name = key.slice(0, key.indexOf('{'));
    if (NOT_IN_0_23.test(name) || differing.has(name)) continue;
    // A label of later versions.
    const plain = key.replace(/serialnumber="[^"]*",?/, '');
    found.set(plain, DURATION.test(plain) ? 0 : value);
  }
  return found;
}
