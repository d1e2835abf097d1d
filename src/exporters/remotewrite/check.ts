import type { Target } from '../../config/identity.ts';
import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { CHECK_MS, checkAddresses, rejectionText } from '../http/check-addresses.ts';
import { ruleFor } from '../http/responses.ts';
import { snappy } from '../prompb/snappy.ts';
import { requestBuilder } from './builder.ts';
import { samplesWritten, uploadOf } from './channel.ts';
import { targetLabels } from './labels.ts';
import type { Version } from './request.ts';
import { RESPONSES } from './responses.ts';
import type { RemoteWriteSettings } from './settings.ts';

/** Checks whether all addresses accept remote write, with a request without samples. Never rejects. */
export function checkRemoteWrite(
  settings: RemoteWriteSettings,
  target: Target,
  world: CheckWorld,
): Promise<CheckResult[]> {
  const versions: readonly Version[] = settings.version === 'auto' ? [2, 1] : settings.version === '2.0' ? [2] : [1];
  return checkAddresses(settings, world, async (url, sender) => {
    let rejection = '';
    for (const version of versions) {
      const { content } = requestBuilder(version, targetLabels(target)).take();
      const attempt = await sender.send(uploadOf(url, version, [snappy(content)], CHECK_MS), world.signal);
      const isAccepted = (attempt.code === 200 || attempt.code === 204) && !attempt.isPage;
      if (isAccepted && (version === 1 || samplesWritten(attempt) !== undefined)) {
        const ms = Math.round(attempt.durationSeconds * 1000);
        const text = `accepts pushes (${settings.groups.join(', ')}) by remote write ${version}.0, responded in ${ms} ms`;
        return { url, acceptsPushes: true, text };
      }
      rejection = isAccepted
        ? `does not accept pushes: ${attempt.code}: accepted, but the response does not report how much was stored`
        : rejectionText('pushes', attempt, ruleFor(RESPONSES, attempt).hint);
    }
    return { url, acceptsPushes: false, text: rejection };
  });
}
