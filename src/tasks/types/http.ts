// Small form of blackbox_exporter's http module: success, status and duration of one request.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import * as z from 'zod';
import { gauge } from '../../metrics/family.ts';
import { allowedAddresses, guardedLookup } from '../../net/denied.ts';
import { defineTaskType } from '../task-type.ts';

const LABELS = ['job', 'instance'];
const success = gauge('probe_success', 'Whether the target answered as wanted.', LABELS);
const status = gauge('probe_http_status_code', 'Status code of the answer; 0 when there was none.', LABELS);
const duration = gauge('probe_duration_seconds', 'How long the probe took.', LABELS);

/** Kept as written: it becomes the label `instance`. */
const target = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'expected http:// or https://')
  .refine((text) => !URL.canParse(text) || new URL(text).username === '', 'no credentials in the URL');

/** Asks URLs. */
export const http = defineTaskType({
  name: 'http',
  summary: 'Asks a URL and tells whether it answers with a status of 200 to 299, and how long that takes.',
  group: 'probe',
  options: z.strictObject({ targets: z.array(target).min(1).max(100).describe('The URLs to ask.') }),
  families: [success, status, duration],
  create({ job, names, denied }, { targets }) {
    const lookup = guardedLookup(names, denied);
    const ask = async (target: string, signal: AbortSignal): Promise<number> => {
      const url = new URL(target);
      await allowedAddresses(url.hostname, names, denied);
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      return new Promise((resolve, reject) => {
        const request = send(url, { agent: false, lookup, signal }, (response) => {
          response.destroy();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', reject);
        request.end();
      });
    };
    return async (out, signal) => {
      await Promise.all(
        targets.map(async (target) => {
          const startedMs = performance.now();
          const code = await ask(target, signal).catch(() => 0);
          const seconds = (performance.now() - startedMs) / 1000;
          out.add(success, code >= 200 && code < 300 ? 1 : 0, job, target);
          out.add(status, code, job, target);
          out.add(duration, seconds, job, target);
        }),
      );
    };
  },
});
