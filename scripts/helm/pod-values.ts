import * as z from 'zod';

const anyObject = z.looseObject({});
const anyObjects = z.array(anyObject);
const texts = z.record(z.string(), z.string());

/** Values of both kinds of pods; Kubernetes validates values that are passed on to it. */
export const podValues = {
  annotations: texts,
  revisionHistoryLimit: z.int().min(0),
  minReadySeconds: z.int().min(0),
  schedulerName: z.string(),
  lifecycle: anyObject,
  resizePolicy: anyObjects,
  nodeOptions: z.array(z.string().regex(/^--/)),
  tasks: z.array(z.looseObject({ id: z.string(), type: z.string() })),
  sources: z.array(anyObject),
  extraConfig: anyObject,
  resources: anyObject,
  updateStrategy: anyObject,
  priorityClassName: z.string(),
  runtimeClassName: z.string(),
  podAnnotations: texts,
  podLabels: texts,
  nodeSelector: texts,
  affinity: anyObject,
  tolerations: anyObjects,
  topologySpreadConstraints: anyObjects,
  podSecurityContext: anyObject,
  securityContext: anyObject,
  env: anyObjects,
  envFrom: anyObjects,
  extraVolumes: anyObjects,
  extraVolumeMounts: anyObjects,
  extraContainers: anyObjects,
  initContainers: anyObjects,
  hostAliases: anyObjects,
  dnsPolicy: z.string(),
  dnsConfig: anyObject,
  terminationGracePeriodSeconds: z.int().min(10),
  probes: z.strictObject({ liveness: anyObject, readiness: anyObject, startup: anyObject }),
};
