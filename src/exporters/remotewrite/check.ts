import type { Target } from '../../config/identity.ts';
import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { ruleFor } from '../http/answers.ts';
import { Sender } from '../http/sender.ts';
import { ANSWERS } from './answers.ts';
import { requestBuilder } from './builder.ts';
import { samplesWritten, uploadOf } from './channel.ts';
import { targetLabels } from './labels.ts';
import type { Version } from './request.ts';
import type { RemoteWriteSettings } from './settings.ts';
import { snappy } from './snappy.ts';

const ANSWER_MS = 10_000;

/** Checks whether all addresses accept remote write, with a request without samples. Never rejects. */
export async function checkRemoteWrite(
  settings: RemoteWriteSettings,
  target: Target,
  { env, now, signal }: CheckWorld,
): Promise<CheckResult[]> {
  const sender = new Sender(settings, now, env);
  const versions: readonly Version[] = settings.version === 'auto' ? [2, 1] : settings.version === '2.0' ? [2] : [1];
  const ask = async (url: string): Promise<CheckResult> => {
    let refusal = '';
    for (const version of versions) {
      const { content } = requestBuilder(version, targetLabels(target)).take();
      const tried = await sender.send(uploadOf(url, version, [snappy(content)], ANSWER_MS), signal);
      const isTaken = (tried.code === 200 || tried.code === 204) && !tried.isPage;
      if (isTaken && (version === 1 || samplesWritten(tried) !== undefined)) {
        const ms = Math.round(tried.durationSeconds * 1000);
        const text = `accepts pushes (${settings.groups.join(', ')}) by remote write ${version}.0, answered in ${ms} ms`;
        return { url, takesPushes: true, text };
      }
      const { hint } = ruleFor(ANSWERS, tried);
      const said = isTaken
        ? 'accepted, but the response does not report how much was stored'
        : tried.text || 'no message';
      refusal = `does not accept pushes: ${tried.code}: ${said}${isTaken || hint === undefined ? '' : `; ${hint}`}`;
    }
    return { url, takesPushes: false, text: refusal };
  };
  try {
    return await Promise.all([settings.url, ...settings.failover].map(ask));
  } finally {
    sender.close();
  }
}
