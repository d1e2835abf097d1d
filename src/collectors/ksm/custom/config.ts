import * as z from 'zod';
import { errorText } from '../../../base/error-text.ts';
import { Problems } from '../../../base/problems.ts';
import { isKeyOf, isMapping } from '../../../base/records.ts';
import { parseYaml, YamlError } from '../../../config/yaml.ts';
import { compilePath } from './path.ts';

/** The problems in a file of custom resource families, one line each. */
export class CustomResourceError extends Problems {
  override readonly name = 'CustomResourceError';
}

/** A path; YAML may contain list indices without quotes. */
const path = z
  .array(z.union([z.string(), z.number(), z.boolean()]).transform(String))
  .transform((segments, context) => {
    try {
      return { segments, get: compilePath(segments) };
    } catch (cause) {
      context.addIssue({ code: 'custom', message: errorText(cause) });
      return z.NEVER;
    }
  });

const NO_PATH = { segments: [], get: (from: unknown) => from };

const labelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'a label name has letters, digits and underscores only');

const labels = {
  commonLabels: z.record(labelName, z.string()).default({}),
  labelsFromPath: z.record(z.string().min(1), path).default({}),
};

const target = { path: path.default(NO_PATH), labelsFromPath: labels.labelsFromPath };

const gauge = z.strictObject({
  ...target,
  valueFrom: path.default(NO_PATH),
  labelFromKey: labelName.optional(),
  nilIsZero: z.boolean().default(false),
});

const info = z.strictObject({ ...target, labelFromKey: labelName.optional() });

const stateSet = z.strictObject({
  ...target,
  valueFrom: path.default(NO_PATH),
  labelName,
  list: z.array(z.string()).min(1),
});

const TYPES = { gauge: 'gauge', info: 'info', stateset: 'stateSet' } as const;

const each = z
  .strictObject({
    type: z.string(),
    gauge: gauge.optional(),
    info: info.optional(),
    stateSet: stateSet.optional(),
  })
  .transform((input, context) => {
    const word = input.type.toLowerCase();
    const type = isKeyOf(TYPES, word) ? TYPES[word] : undefined;
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    if (type === 'gauge' && input.gauge) return { type, ...input.gauge };
    if (type === 'info' && input.info) return { type, ...input.info };
    if (type === 'stateSet' && input.stateSet) return { type, ...input.stateSet };
    return refuse(
      type === undefined
        ? `type ${JSON.stringify(input.type)}: expected Gauge, Info or StateSet`
        : `type is ${input.type} but there is no ${type}`,
    );
  });

const metric = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9_:]+$/, 'a metric name has letters, digits, _ and : only'),
  help: z.string().default(''),
  each,
  ...labels,
  errorLogV: z.number().optional(),
});

const notEvery = z
  .string()
  .min(1)
  .refine((text) => text !== '*', 'a wildcard is not supported: name each kind');

const resource = z.strictObject({
  groupVersionKind: z.strictObject({ group: z.string().min(1), version: z.string().min(1), kind: notEvery }),
  resourcePlural: z.string().min(1).optional(),
  metricNamePrefix: z.string().default('kube_customresource'),
  metrics: z.array(metric).min(1),
  ...labels,
  errorLogV: z.number().optional(),
});

const file = z.strictObject({
  apiVersion: z.string().optional(),
  kind: z.literal('CustomResourceStateMetrics').optional(),
  spec: z.strictObject({ resources: z.array(resource) }),
});

export type CustomResourceConfig = z.output<typeof resource>;
export type CustomMetric = z.output<typeof metric>;
export type Each = z.output<typeof each>;
export type PathLabels = z.output<typeof labels.labelsFromPath>;

/** Parses kube-state-metrics' `CustomResourceStateMetrics`. Throws {@link CustomResourceError}. */
export function parseCustomResourceConfig(text: string): readonly CustomResourceConfig[] {
  let content: unknown;
  try {
    content = withMergedKeys(parseYaml('line', text).value);
  } catch (cause) {
    throw cause instanceof YamlError ? new CustomResourceError(cause.problems) : cause;
  }
  const result = file.safeParse(content);
  if (result.success) return result.data.spec.resources;
  throw new CustomResourceError(result.error.issues.map(({ path: at, message }) => `${place(at)}${message}`));
}

/**
 * Handles `<<` like kube-state-metrics' parser, which supports the merge keys of YAML 1.1
 * (https://yaml.org/type/merge.html): the keys of a mapping take precedence over merged ones, and earlier mappings of a
 * list over later ones.
 */
function withMergedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMergedKeys);
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withMergedKeys(inner)] as const);
  const sources = entries.flatMap(([key, inner]) => (key === MERGE ? inner : []));
  // The schema rejects anything else and reports its position.
  if (!sources.every(isMapping)) return Object.fromEntries(entries);
  const merged = sources.reverse().flatMap((source) => Object.entries(source));
  return Object.fromEntries([...merged, ...entries.filter(([key]) => key !== MERGE)]);
}

const MERGE = '<<';

const place = (at: readonly PropertyKey[]): string =>
  at.length === 0
    ? ''
    : `${at
        .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
        .join('')
        .slice(1)}: `;
