// Runs a program of the user, like script_exporter, Telegraf's exec and earlier agents.

import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import * as z from 'zod';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { errorCode, errorText } from '../../base/error-text.ts';
import { bytes, pattern } from '../../config/units.ts';
import { ownCapabilities } from '../../host/capabilities.ts';
import { gauge, toMetricName } from '../../metrics/family.ts';
import { KnownFamilies } from '../../metrics/known-families.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { blockOfPairs } from '../../metrics/text/format.ts';
import { KILL_AFTER_MS, type ProgramEnd, runChild } from '../exec/child.ts';
import { FORMATS, READERS } from '../exec/formats.ts';
import { OwnStamps } from '../exec/own-stamps.ts';
import type { ParsedText } from '../exec/reading.ts';
import { defineTaskType, TaskFailure } from '../task-type.ts';

const LABELS = ['script'];
const success = gauge('script_success', 'Whether the last run succeeded.', LABELS);
const duration = gauge('script_duration_seconds', 'How long the last run took.', LABELS);
const exitCode = gauge(
  'script_exit_code',
  'Exit code; -1 when it did not start, 128 + n when signal n ended it.',
  LABELS,
);

const MAX_ARGUMENTS = 256;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const options = z.strictObject({
  command: z
    .array(z.string().max(4096))
    .min(1)
    .max(MAX_ARGUMENTS)
    .refine(([program = '']) => isAbsolute(program), 'the program needs an absolute path')
    .describe('The program and its arguments; no shell is involved.'),
  cwd: z.string().min(1).optional().describe('Working directory; the folder of the program when unset.'),
  env: z
    .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string())
    .default({})
    .describe("Its environment in addition to PATH; the agent's own environment is not passed on."),
  user: z
    .string()
    .regex(/^\d{1,10}:\d{1,10}$/, 'expected UID:GID in numbers, such as 65534:65534')
    .optional()
    .describe('UID:GID to run as; needs CAP_SETUID and CAP_SETGID.'),
  format: z.enum(FORMATS).default('prometheus').describe('Format of its output.'),
  prefix: z
    .string()
    .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/)
    .optional()
    .describe('Prefix of the names in json, influx and nagios output; plugin_ID_ when unset.'),
  limits: z
    .strictObject({
      output: bytes(1).prefault('1MiB').describe('Maximum size of the output; a program that prints more is killed.'),
      line: bytes(1).prefault('64KiB').describe('Longest line.'),
      series: z.int().min(1).max(100_000).default(1000).describe('Maximum number of series; with more, none is used.'),
    })
    .prefault({}),
  exitCodes: z
    .array(z.int().min(0).max(255))
    .min(1)
    .optional()
    .describe('Exit codes of successful runs, 0 when unset (nagios: 0 to 3); with others the output is not used.'),
  params: z
    .strictObject({
      allow: pattern().describe('Expression that each parameter of an on-demand run must match.'),
      pass: z
        .enum(['argv', 'env'])
        .default('argv')
        .describe('argv: as NAME=VALUE after the arguments; env: as PARAM_NAME.'),
    })
    .optional()
    .describe('Parameters of runs on demand; none are accepted when unset.'),
});

/** Runs a program and parses its output. */
export const exec = defineTaskType({
  name: 'exec',
  summary:
    'Runs a program and collects the series that it prints, with the label `script`: the Prometheus text format, OpenMetrics, a JSON list, InfluxDB lines, or the performance data of a monitoring plugin.',
  group: 'exec',
  options,
  families: [success, duration, exitCode],
  atOnce: 2,
  risky: true,
  onDemand: true,
  graceMs: KILL_AFTER_MS + 1500,
  create({ id, now }, settings) {
    const { command, env, format, limits, prefix = `plugin_${toMetricName(id)}_` } = settings;
    const user = userOf(settings.user);
    const good = settings.exitCodes ?? (format === 'nagios' ? [0, 1, 2, 3] : [0]);
    const state = gauge(`${prefix}state`, 'State of the plugin: 0 OK, 1 warning, 2 critical, 3 unknown.', LABELS);
    const families = new KnownFamilies();
    const ownStamps = new OwnStamps();
    return async (out, signal, call) => {
      const begunMs = monotonicMs();
      const { argv, variables } = parametersOf(call?.params ?? {}, settings.params?.pass);
      const ended = await runChild(
        {
          command: [...command, ...argv],
          cwd: settings.cwd ?? dirname(command[0] ?? '/'),
          env: { PATH, ...env, ...variables },
          user,
          maxOutput: limits.output,
        },
        signal,
      );
      call?.report(tailOf(ended));
      const note = (isGood: boolean) => {
        out.add(success, isGood ? 1 : 0, id);
        out.add(duration, secondsSince(begunMs), id);
        out.add(exitCode, ended.code, id);
      };
      const fail = (result: string, message: string): never => {
        note(false);
        const stderr = ended.stderr.trim();
        throw new TaskFailure(result, stderr === '' ? message : `${message}: ${stderr.slice(-500)}`);
      };
      if (ended.how === 'spawn') fail('spawn', ended.error ?? 'cannot be started');
      if (ended.how === 'stopped') fail('timeout', 'did not end in time and was killed');
      if (ended.how === 'limit') fail('output_limit', `printed more than ${limits.output} bytes and was killed`);
      if (!good.includes(ended.code)) fail('exit', `ended with exit code ${ended.code}`);
      let reading: ParsedText;
      try {
        reading = READERS[format](ended.stdout.toString('utf8'), { prefix, line: limits.line });
      } catch (cause) {
        return fail('parse', `its output is not valid ${format}: ${errorText(cause)}`);
      }
      if (reading.size > limits.series)
        fail('series_limit', `printed ${reading.size} series, at most ${limits.series} are allowed`);
      if (reading.size === 0 && reading.lostCount > 0) fail('parse', reading.lost.join('; '));
      note(true);
      if (format === 'nagios') out.add(state, ended.code, id);
      addReading(out, reading, { id, families, ownStamps, nowMs: now() });
    };
  },
  check: ({ command: [program = ''] }) => programProblems(program),
  checkCall({ params: rules }, params) {
    for (const [name, value] of Object.entries(params)) {
      if (rules === undefined) return 'this task takes no parameters: see params of its settings';
      if (!/^[a-zA-Z_][a-zA-Z0-9_]{0,62}$/.test(name))
        return `${JSON.stringify(name.slice(0, 80))} is not the name of a parameter`;
      if (!rules.allow.test(value)) return `parameter ${name} does not match ${rules.allow.source}`;
    }
    return undefined;
  },
});

/** What a task keeps of its earlier runs, and the time of this one. */
interface ReadingContext {
  readonly id: string;
  readonly families: KnownFamilies;
  readonly ownStamps: OwnStamps;
  readonly nowMs: number;
}

function addReading(out: Snapshot, reading: ParsedText, { id, families, ownStamps, nowMs }: ReadingContext): void {
  families.begin();
  ownStamps.begin(nowMs);
  const own = new Set([success.name, duration.name, exitCode.name]);
  let lost = reading.lostCount;
  const shown = [...reading.lost];
  const lose = (what: string) => {
    lost++;
    if (shown.length < 3) shown.push(what);
  };
  for (const { name, type, help, samples } of reading.families.values()) {
    if (own.has(name)) {
      lose(`${name} is a metric of the agent itself`);
      continue;
    }
    const family = families.of({ name, type, help: help === '' ? `Printed by script ${id}.` : help });
    for (const sample of samples) {
      const { stampMs, value } = sample;
      const labels = [...sample.labels.filter(([label]) => label !== 'script'), ['script', id] as const];
      const key = sample.name + blockOfPairs(labels);
      const problem = stampMs === undefined ? undefined : ownStamps.problem(key, { stampMs, value }, nowMs);
      if (problem === undefined) out.addSeries(family, key, value, stampMs);
      else lose(`${sample.name} ${problem}`);
    }
  }
  if (lost > 0) out.errors.push(new Error(`${lost} lines or values were not used: ${shown.join('; ')}`));
}

function parametersOf(params: Readonly<Record<string, string>>, pass: 'argv' | 'env' | undefined) {
  const entries = Object.entries(params);
  return {
    argv: pass === 'argv' ? entries.map(([name, value]) => `${name}=${value}`) : [],
    variables: Object.fromEntries(pass === 'env' ? entries.map(([name, value]) => [`PARAM_${name}`, value]) : []),
  };
}

const TAIL = 4096;
const tailOf = ({ stdout, stderr }: ProgramEnd): string => stdout.subarray(-TAIL).toString() + stderr.slice(-TAIL);

/** Throws an Error when this agent may not switch to that user. */
function userOf(text: string | undefined): { readonly uid: number; readonly gid: number } | undefined {
  if (text === undefined) return undefined;
  const [uid = 0, gid = 0] = text.split(':').map(Number);
  if (uid === process.getuid?.() && gid === process.getgid?.()) return undefined;
  const held = ownCapabilities();
  if (!held.has('SETUID') || !held.has('SETGID')) {
    throw new Error(
      `user: this agent runs as UID ${process.getuid?.()} without CAP_SETUID and CAP_SETGID, so it cannot run programs as ${text}`,
    );
  }
  return { uid, gid };
}

/** Why a program currently cannot be started. */
function programProblems(program: string): string[] {
  const wrong = unusable(program);
  if (wrong !== undefined) return [`${program} ${wrong}`];
  const interpreter = interpreterOf(program);
  const missing = interpreter === undefined ? undefined : unusable(interpreter);
  return missing === undefined ? [] : [`${interpreter}, the interpreter of ${program}, ${missing}`];
}

function unusable(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return 'is not a file';
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (cause) {
    return errorCode(cause) === 'EACCES' ? 'is not executable by this user' : 'does not exist';
  }
}

/** The interpreter named in the first line of a script. */
function interpreterOf(path: string): string | undefined {
  try {
    const fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(256);
      const size = readSync(fd, head, 0, head.length, 0);
      return /^#![ \t]*(\S+)/.exec(head.subarray(0, size).toString('latin1'))?.[1];
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
