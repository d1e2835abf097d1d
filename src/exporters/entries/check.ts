import type { EncodedEntries, LogProtocol } from '../../logs/protocol.ts';
import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { Sender } from '../http/sender.ts';
import type { HttpSettings } from '../http/settings.ts';
import { entryUrl } from './entry-exporter.ts';

const ANSWER_MS = 10_000;
const NO_ENTRIES: EncodedEntries = { count: 0, timeUs: () => 0, bytes: () => Buffer.alloc(0), group: () => '' };

/** Checks whether all addresses accept log entries, with an empty upload. Never rejects. */
export async function checkEntries(
  settings: HttpSettings,
  { path, contentType, headers, question, answerBytes, judge }: LogProtocol,
  { env, now, signal }: CheckWorld,
): Promise<CheckResult[]> {
  const sender = new Sender(settings, now, env);
  const ask = async (given: string): Promise<CheckResult> => {
    const url = entryUrl(given, path);
    const tried = await sender.send(
      {
        ...{ method: 'POST', url, compression: 'none', contentType, headers, timeoutMs: ANSWER_MS },
        members: [Buffer.from(question.body)],
        ...(answerBytes > 0 && { answerBytes }),
      },
      signal,
    );
    if (question.isTaken(tried)) {
      const text = `accepts log entries, answered in ${Math.round(tried.durationSeconds * 1000)} ms`;
      return { url: given, takesPushes: true, text };
    }
    const verdict = judge(tried, NO_ENTRIES);
    const hint = 'hint' in verdict ? verdict.hint : undefined;
    const said = tried.text === '' ? 'no message' : tried.text;
    const why = [`does not accept log entries: ${tried.code}: ${said}`, hint].filter(Boolean).join('; ');
    return { url: given, takesPushes: false, text: why };
  };
  try {
    return await Promise.all([settings.url, ...settings.failover].map(ask));
  } finally {
    sender.close();
  }
}
