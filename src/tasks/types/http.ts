import { COMMON_FAMILIES, FAILED_DUE_TO_REGEX, TLS } from '../probe/families.ts';
import { HTTP } from '../probe/http-families.ts';
import { httpOptions } from '../probe/http-options.ts';
import { HttpProbing } from '../probe/http-probing.ts';
import { HttpRequests } from '../probe/http-request.ts';
import { probeTargets } from '../probe/probe.ts';
import { TlsSettings } from '../probe/tls.ts';
import { defineTaskType } from '../task-type.ts';

/** The http prober of blackbox_exporter. */
export const http = defineTaskType({
  name: 'http',
  summary:
    'Requests URLs, like the http prober of blackbox_exporter: status, headers, body, redirects, certificates, and how long each phase takes.',
  group: 'probe',
  options: httpOptions,
  families: [...COMMON_FAMILIES, ...Object.values(HTTP), FAILED_DUE_TO_REGEX, ...Object.values(TLS)],
  create(world, { http: options, ...choice }) {
    const task = { world, options, choice, tls: new TlsSettings(options.tls), requests: new HttpRequests(options) };
    return probeTargets(world, choice, (target) => new HttpProbing(task, target));
  },
});
