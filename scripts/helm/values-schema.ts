import * as z from 'zod';
import { settingsSchema } from '../../src/commands/settings.ts';
import { exporterSection } from '../../src/exporters/index.ts';
import { SECTIONS } from '../alerts/rules.ts';
import { DASHBOARDS } from '../dashboards/index.ts';
import { podValues } from './pod-values.ts';

/** The agent's own sections, so that chart and agent accept the same keys. */
const settings = settingsSchema.shape;
const collectors = shapeOf(settings.collectors);
const ksm = shapeOf(collectors.ksm);

/** Kubernetes validates values that are passed on to it. */
const anyObject = z.looseObject({});
const texts = z.record(z.string(), z.string());
const name = z.string().min(1).optional();

/** The chart's additions to the ksm section, without the fields that the chart writes itself. */
const resourceNames = (ksm.resources as z.ZodDefault<z.ZodArray>).unwrap().optional();
const ksmValues = z.strictObject({
  ...without(ksm, 'kubeconfig', 'context', 'customResourceStateFile'),
  resources: resourceNames,
  resourcesExtra: resourceNames,
  resourcesExclude: resourceNames,
  customResourceState: anyObject.optional(),
});

/** An exporter, with names of Secrets instead of files. */
const exporterValues = exporterSection.options.map(({ shape }) =>
  z.strictObject({
    ...shape,
    type: (shape.type as z.ZodType).optional(),
    url: z.string(),
    auth: z
      .strictObject({
        username: name,
        usernameKey: name,
        existingSecret: name,
        key: name,
        password: name,
        bearerToken: name,
      })
      .optional(),
    headersFrom: z.record(z.string(), z.strictObject({ secret: z.string().min(1), key: z.string().min(1) })).optional(),
    tls: z
      .strictObject({
        caSecret: name,
        caKey: name,
        clientSecret: name,
        certKey: name,
        keyKey: name,
        serverName: name,
        insecureSkipVerify: z.boolean().optional(),
      })
      .optional(),
  }),
);

const exporterUnion = z.union(exporterValues);

const account = z.strictObject({ create: z.boolean(), name: z.string(), annotations: texts });
const port = z.int().min(1).max(65535);
const pullSecrets = z.array(z.union([z.string(), z.looseObject({ name: z.string() })]));
/** YAML 1.1 reads `on` and `off` as booleans unless they are quoted. */
const onOffAuto = z.union([z.enum(['on', 'off', 'auto']), z.boolean()]);

/** The contents of `helm/values.yaml`; below `push`, `identity`, `collectors` and `exporters` those of the agent. */
export const valuesSchema = z.strictObject({
  enabled: z.boolean(),
  nameOverride: z.string(),
  fullnameOverride: z.string(),
  namespaceOverride: z.string(),
  commonLabels: texts,
  commonAnnotations: texts,
  platform: z.enum(['kubernetes', 'openshift']),
  // Parent charts have further values there.
  global: z.looseObject({ imageRegistry: z.string(), imagePullSecrets: pullSecrets }),
  image: z.strictObject({
    registry: z.string(),
    repository: z.string().min(1),
    tag: z.string(),
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    pullSecrets,
  }),
  tier: z.enum(['restricted', 'extended']),
  preset: z.enum(['minimal', 'standard', 'complete']),
  cluster: z.strictObject({ name: z.string() }),
  labels: settings.labels,
  push: settings.push,
  log: settings.log,
  budget: settings.budget,
  scrape: settings.scrape,
  logs: settings.logs,
  relabel: settings.relabel,
  groups: settings.groups,
  identity: settings.identity,
  collectors: z.strictObject({ ...collectors, ksm: ksmValues }),
  exporters: z.record(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/), exporterUnion),
  spool: z.strictObject({
    type: z.enum(['emptyDir', 'hostPath', 'none']),
    hostPath: z.string().regex(/^\//),
    prepared: z.boolean(),
    maxBytes: z.string().regex(/^[1-9][0-9]*(MiB|GiB)$/),
    maxAge: shapeOf(settings.spool).maxAge,
  }),
  extraConfig: anyObject,
  http: z.strictObject({
    port,
    tls: z.strictObject({ existingSecret: z.string() }),
    tokens: z.strictObject({ existingSecret: z.string(), readKey: z.string(), controlKey: z.string() }),
    podInfoAuth: z.strictObject({
      type: z.enum(['none', 'token', 'tokenReview']),
      existingSecret: z.string(),
      key: z.string().min(1),
    }),
  }),
  localPush: z.strictObject({
    enabled: z.boolean(),
    ttl: shapeOf(settings.localPush).ttl,
    limits: shapeOf(settings.localPush).limits,
    socket: z.strictObject({ hostPath: z.string().regex(/^(\/.*)?$/), prepared: z.boolean() }),
    token: z.strictObject({ existingSecret: z.string(), key: z.string().min(1) }),
    service: z.strictObject({ enabled: z.boolean(), annotations: texts }),
  }),
  node: z.strictObject({
    ...podValues,
    labelWithPod: z.boolean(),
    hostPort: z.int().min(0).max(65535),
    hostNetwork: z.boolean(),
    hostPID: z.boolean(),
    logGroups: z.array(z.int().min(0)),
    snmpHostPort: z.int().min(0).max(65_535),
    mountHostRoot: z.boolean(),
    mountPropagation: z.enum(['HostToContainer', 'None']),
  }),
  state: z.strictObject({
    ...podValues,
    replicas: z.int().min(0),
    shards: z.int().min(1).max(64),
    autosharding: z.boolean(),
    podDisruptionBudget: z.strictObject({
      enabled: z.boolean(),
      maxUnavailable: z.union([z.int().min(0), z.string()]),
    }),
    service: z.strictObject({ annotations: texts }),
  }),
  rbac: z.strictObject({ create: z.boolean(), namespaced: z.boolean(), extraRules: z.array(anyObject) }),
  serviceAccounts: z.strictObject({ node: account, state: account }),
  metricsService: z.strictObject({ enabled: z.boolean(), annotations: texts }),
  podMonitor: z.strictObject({ enabled: z.boolean(), labels: texts, interval: z.string() }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    metricsFrom: z.array(anyObject),
    snmpFrom: z.array(anyObject),
    dnsPorts: z.array(port),
    dnsTo: z.array(anyObject),
    kubeletTo: z.array(anyObject),
    apiServerTo: z.array(anyObject),
    apiServerPorts: z.array(port),
    exporterPorts: z.array(port),
    exportersTo: z.array(anyObject),
    pushFrom: z.array(anyObject),
    extraEgress: z.array(anyObject),
  }),
  alerts: z.strictObject({
    prometheusRule: onOffAuto,
    vmRule: onOffAuto,
    sections: z.array(z.enum(SECTIONS)),
    exclude: z.array(z.string()),
    runbookUrl: z.string(),
    labels: texts,
    annotations: texts,
  }),
  dashboards: z.strictObject({
    enabled: z.boolean(),
    names: z.array(z.enum(DASHBOARDS.map(({ name: one }) => one))),
    namespace: z.string(),
    label: z.string().min(1),
    labelValue: z.string(),
    folderAnnotation: z.string().min(1),
    folder: z.string(),
  }),
  test: z.strictObject({ queryUrl: z.string(), timeoutSeconds: z.int().min(10).max(3600) }),
  extraManifests: z.array(z.union([z.string(), anyObject])),
});

/** The chart's values.schema.json. */
export function helmSchema(): string {
  const schema = z.toJSONSchema(valuesSchema, {
    io: 'input',
    target: 'draft-7',
    override({ zodSchema, jsonSchema }) {
      // Anchors, as in `x-pod: &pod`.
      if (zodSchema === valuesSchema) jsonSchema.patternProperties = { '^x-': {} };
      if (!(zodSchema instanceof z.ZodUnion) || zodSchema.options !== exporterUnion.options) return;
      const options = jsonSchema.anyOf as Option[];
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, chosenByType(options));
    },
  });
  return `${JSON.stringify(schema, null, 1)}\n`;
}

/** The JSON schema of an object with a constant `type`. */
type Option = z.core.JSONSchema.BaseSchema & { readonly properties: { readonly type: { readonly const: string } } };

/**
 * One of several objects, selected by `type`; the first if it is not set. With `anyOf` an error would list the problems of all
 * of the others as well.
 */
function chosenByType(options: readonly Option[]): z.core.JSONSchema.BaseSchema {
  const types = options.map(({ properties }) => properties.type.const);
  const [first = {}, ...others] = options;
  const chosen = others.reduce<z.core.JSONSchema.BaseSchema>(
    (rest, option) => ({
      if: { required: ['type'], properties: { type: { const: option.properties.type.const } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema.
      then: option,
      else: rest,
    }),
    first,
  );
  return { type: 'object', properties: { type: { enum: types } }, allOf: [chosen] };
}

type Shape = Readonly<Record<string, z.ZodType>>;

/** The fields of an object, wrapped in its default if it has one. */
function shapeOf(schema: unknown): Shape {
  const inner: unknown = schema instanceof z.ZodObject ? schema : (schema as z.ZodPrefault<z.ZodObject>).unwrap();
  return (inner as z.ZodObject).shape as Shape;
}

function without(shape: Shape, ...keys: readonly string[]): Shape {
  return Object.fromEntries(Object.entries(shape).filter(([key]) => !keys.includes(key)));
}
