import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { CHECK_MS, checkAddresses, rejectionText } from '../http/check-addresses.ts';
import type { HttpSettings } from '../http/settings.ts';
import { entryUrl } from './entry-exporter.ts';
import type { EncodedEntries, LogProtocol } from './protocol.ts';

const NO_ENTRIES: EncodedEntries = { count: 0, timeUs: () => 0, bytes: () => Buffer.alloc(0), key: () => '' };

/** Checks whether all addresses accept log entries, with an empty upload. Never rejects. */
export function checkEntries(
  settings: HttpSettings,
  { path, contentType, headers, probe, responseBytes, classify }: LogProtocol,
  world: CheckWorld,
): Promise<CheckResult[]> {
  return checkAddresses(settings, world, async (given, sender) => {
    const url = entryUrl(given, path);
    const attempt = await sender.send(
      {
        ...{ method: 'POST', url, compression: 'none', contentType, headers, timeoutMs: CHECK_MS },
        members: [Buffer.from(probe.body)],
        ...(responseBytes > 0 && { responseBytes }),
      },
      world.signal,
    );
    if (probe.isAccepted(attempt)) {
      const text = `accepts log entries, responded in ${Math.round(attempt.durationSeconds * 1000)} ms`;
      return { url: given, acceptsPushes: true, text };
    }
    const verdict = classify(attempt, NO_ENTRIES);
    const hint = 'hint' in verdict ? verdict.hint : undefined;
    return { url: given, acceptsPushes: false, text: rejectionText('log entries', attempt, hint) };
  });
}
