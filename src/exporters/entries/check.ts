import type { EncodedEntries, LogProtocol } from '../../logs/protocol.ts';
import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { Sender } from '../http/sender.ts';
import type { HttpSettings } from '../http/settings.ts';
import { entryUrl } from './entry-exporter.ts';

const RESPONSE_MS = 10_000;
const NO_ENTRIES: EncodedEntries = { count: 0, timeUs: () => 0, bytes: () => Buffer.alloc(0), group: () => '' };

/** Checks whether all addresses accept log entries, with an empty upload. Never rejects. */
export async function checkEntries(
  settings: HttpSettings,
  { path, contentType, headers, probe, responseBytes, classify }: LogProtocol,
  { env, now, signal }: CheckWorld,
): Promise<CheckResult[]> {
  const sender = new Sender(settings, now, env);
  const ask = async (given: string): Promise<CheckResult> => {
    const url = entryUrl(given, path);
    const attempt = await sender.send(
      {
        ...{ method: 'POST', url, compression: 'none', contentType, headers, timeoutMs: RESPONSE_MS },
        members: [Buffer.from(probe.body)],
        ...(responseBytes > 0 && { responseBytes }),
      },
      signal,
    );
    if (probe.isAccepted(attempt)) {
      const text = `accepts log entries, answered in ${Math.round(attempt.durationSeconds * 1000)} ms`;
      return { url: given, acceptsPushes: true, text };
    }
    const verdict = classify(attempt, NO_ENTRIES);
    const hint = 'hint' in verdict ? verdict.hint : undefined;
    const message = attempt.text === '' ? 'no message' : attempt.text;
    const why = [`does not accept log entries: ${attempt.code}: ${message}`, hint].filter(Boolean).join('; ');
    return { url: given, acceptsPushes: false, text: why };
  };
  try {
    return await Promise.all([settings.url, ...settings.failover].map(ask));
  } finally {
    sender.close();
  }
}
