import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { Sender, type UploadAttempt } from './sender.ts';
import type { HttpSettings } from './settings.ts';

/** How long an address that is checked may take to respond. */
export const CHECK_MS = 10_000;

/** Why an address does not accept `what`: the response, and what its rule advises. */
export const rejectionText = (what: string, { code, text }: UploadAttempt, hint: string | undefined): string =>
  [`does not accept ${what}: ${code}: ${text || 'no message'}`, ...(hint === undefined ? [] : [hint])].join('; ');

/** Calls `check` for all addresses of an exporter at once, with a sender that is closed afterwards. */
export async function checkAddresses(
  settings: HttpSettings,
  { env, now }: CheckWorld,
  check: (url: string, sender: Sender) => Promise<CheckResult>,
): Promise<CheckResult[]> {
  const sender = new Sender(settings, now, env);
  try {
    return await Promise.all([settings.url, ...settings.failover].map((url) => check(url, sender)));
  } finally {
    sender.close();
  }
}
