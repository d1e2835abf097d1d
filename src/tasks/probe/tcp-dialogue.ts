import type { Socket } from 'node:net';
import * as z from 'zod';
import { errorText } from '../../base/error-text.ts';
import { isLabelName } from '../../metrics/family.ts';
import { expand } from '../../metrics/relabel/template.ts';
import { startTls, type TlsFacts } from '../../net/tls-session.ts';
import { Expression } from './expression.ts';
import { ProbeFailure } from './failure.ts';
import { IDENTITY } from './families.ts';
import { Incoming } from './incoming.ts';
import type { Attempt } from './probe.ts';
import type { TlsSettings } from './tls.ts';

const labelName = z
  .string()
  .refine((name) => isLabelName(name) && !IDENTITY.some((taken) => taken === name), 'not a valid label name');

const MAX_LABELS = 20;

/** One step of a dialogue, in the order of its keys. */
export const dialogueStep = z
  .strictObject({
    expect: z
      .string()
      .optional()
      .transform((source, context) => {
        if (source === undefined) return undefined;
        try {
          return new Expression(source);
        } catch (cause) {
          context.addIssue({ code: 'custom', message: errorText(cause) });
          return z.NEVER;
        }
      })
      .describe('Reads lines until one matches this expression.'),
    expectBytes: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('Reads as many bytes as this value has; they must be equal.'),
    labels: z
      .union([z.array(labelName).max(MAX_LABELS), z.record(labelName, z.string())])
      .default([])
      .describe('Labels of probe_expect_info: names of groups of expect, or label: text with $1 or $name in it.'),
    send: z.string().optional().describe('Sends this text and a newline; groups of expect as $1 or $name.'),
    startTls: z.boolean().default(false).describe('Switches to TLS after this step.'),
  })
  .refine((step) => step.expect !== undefined || Object.keys(step.labels).length === 0, 'labels need an expect')
  .refine(
    (step) => step.expect === undefined || step.expectBytes === undefined,
    'either expect or expectBytes, not both',
  );
type DialogueStep = z.output<typeof dialogueStep>;

/** The results of a dialogue. */
export interface DialogueFacts {
  failedByRegex: boolean;
  failedByBytes: boolean;
  /** Labels extracted from the peer's text, for each step that has labels. */
  readonly labels: (readonly (readonly [name: string, value: string])[])[];
  tls: TlsFacts | undefined;
}

/** How TLS is started within the dialogue. */
interface DialogueTls {
  readonly settings: TlsSettings;
  readonly host: string;
  readonly now: () => number;
}

/** Executes the steps. Resolves to the socket in use at the end; rejects when a step fails. */
export async function converse(
  socket: Socket,
  steps: readonly DialogueStep[],
  { settings, host, now }: DialogueTls,
  facts: DialogueFacts,
  attempt: Attempt,
): Promise<Socket> {
  const { signal } = attempt;
  let current = socket;
  let incoming = new Incoming(current);
  for (const { expect, expectBytes, labels, send, startTls: upgrades } of steps) {
    let groups: ReadonlyMap<string, string> = new Map();
    if (expect !== undefined) {
      const found = await lineThatMatches(incoming, expect, signal);
      facts.failedByRegex = found === undefined;
      if (found === undefined)
        throw new ProbeFailure('body', `no line matched ${expect.source} before the peer closed the connection`);
      groups = found;
      const taken = labelsOf(labels, groups);
      if (taken.length > 0) facts.labels.push(taken);
    }
    if (expectBytes !== undefined) {
      const wanted = Buffer.from(expectBytes);
      facts.failedByBytes = !(await incoming.bytes(wanted.length, signal)).equals(wanted);
      if (facts.failedByBytes)
        throw new ProbeFailure('body', `received bytes other than ${JSON.stringify(expectBytes)}`);
    }
    if (send !== undefined && send !== '') current.write(`${expect === undefined ? send : expand(send, groups)}\n`);
    if (!upgrades) continue;
    incoming.release();
    attempt.enter('tls');
    const secure = await startTls(current, settings.handshake(host), signal);
    facts.tls = secure.facts;
    settings.check(secure.facts, now());
    attempt.enter('exchange');
    current = secure.socket;
    incoming = new Incoming(current);
  }
  return current;
}

async function lineThatMatches(
  incoming: Incoming,
  expect: Expression,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  for (;;) {
    const line = await incoming.line(signal);
    if (line === undefined) return undefined;
    const groups = expect.groups(line);
    if (groups) return groups;
  }
}

/** Maximum length of a label value chosen by the peer. */
const MAX_VALUE_LENGTH = 64;

const labelsOf = (
  labels: DialogueStep['labels'],
  groups: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] =>
  (Array.isArray(labels) ? labels.map((name) => [name, `\${${name}}`] as const) : Object.entries(labels)).map(
    ([name, template]) => [name, bounded(expand(template, groups))] as const,
  );

const bounded = (value: string): string =>
  [...value.toWellFormed().replaceAll(/[\0-\x1f\x7f]/g, ' ')].slice(0, MAX_VALUE_LENGTH).join('').trim();
